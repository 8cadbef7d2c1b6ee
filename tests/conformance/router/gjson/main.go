// Answers, for each line [base64 of JSON, base64 of path] on stdin, whether the real gjson
// finds the path: "valid exists" as two of 0 and 1. It is what KServe's router asks of a condition.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"github.com/tidwall/gjson"
)

func main() {
	in := json.NewDecoder(bufio.NewReader(os.Stdin))
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for {
		var pair [2][]byte
		if err := in.Decode(&pair); err != nil {
			return
		}
		fmt.Fprintln(out, answer(pair[0], string(pair[1])))
	}
}

// A path that makes gjson panic is answered "panic": the router drops the connection then.
func answer(body []byte, path string) (found string) {
	defer func() {
		if err := recover(); err != nil {
			found = "panic"
		}
	}()
	return fmt.Sprint(bit(gjson.ValidBytes(body)), bit(gjson.GetBytes(body, path).Exists()))
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}
