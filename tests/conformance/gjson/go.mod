// The real gjson, at the version that KServe 0.20 builds with.
module parley/tests/conformance/gjson

go 1.25

require github.com/tidwall/gjson v1.18.0

require (
	github.com/tidwall/match v1.1.1 // indirect
	github.com/tidwall/pretty v1.2.1 // indirect
)
