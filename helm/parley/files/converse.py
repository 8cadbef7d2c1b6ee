"""What `helm test` runs: two turns in every installed language, printed as they go.

CONVERSATIONS is JSON, [{"graph": URL, "language": code, "messages": [text, ...]}]; a language
without messages is named and passed over. Where one has a "gateway", {"url": URL, "model": name},
its first message is also said to OpenAI's API there, as a stream; API_KEYS may hold keys for that,
one a line, of which the first is used. The first answer may take SECONDS, for KServe calls a
graph ready before it is. A turn that lacks something in its `degraded` has failed, except that a
translation may be poor: that is the model's doing, not the installation's. Nothing but Python's own
library is used.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request


def main(environ):
    deadline = time.monotonic() + float(environ["SECONDS"])
    key = next(iter(environ.get("API_KEYS", "").split()), "")
    failed = 0
    for conversation in json.loads(environ["CONVERSATIONS"]):
        try:
            converse(deadline=deadline, key=key, **conversation)
        except (KeyError, ValueError, OSError) as err:
            print(f"{conversation['language']}: failed: {err}", flush=True)
            failed = 1
    return failed


def converse(graph, language, messages, deadline, gateway=None, key=""):
    if not messages:
        print(f"{language}: not tried; write tests.sentences.{language}", flush=True)
    history = []
    for message in messages:
        instance = {"user_input": message, "history": history}
        body = {"instances": [instance]}
        answer = first_answer(graph, body, deadline)["predictions"][0]
        print(f"{language} > {message}\n{language} < {answer['response']}", flush=True)
        if answer["language"] != language:
            raise ValueError(f"taken for {answer['language']!r}")
        check_whole(answer)
        history = answer.get("history", [])
    if gateway and messages:
        speak(gateway, language, messages[0], deadline, key)


def speak(gateway, language, message, deadline, key):
    said = [{"role": "user", "content": message}]
    body = {"model": gateway["model"], "messages": said, "stream": True}
    answer = first_answer(gateway["url"], body, deadline, key)
    print(f"{language} > {message}\n{language} << {answer['response']}", flush=True)
    if answer["language"] != language:
        raise ValueError(f"taken for {answer['language']!r} by the gateway")
    check_whole({"user_input": message, **answer})


def check_whole(answer):
    """Print what a turn lacks. Raises ValueError where a step did not do its part."""
    lacking = [f"{entry['step']}: {entry['reason']}" for entry in answer.get("degraded", [])]
    if not lacking:
        return
    print(f"  degraded: {', '.join(lacking)}", flush=True)
    poor = all(entry["reason"] == "quality" for entry in answer["degraded"])
    left_in_english = answer["response"] == answer.get("response_en", answer["user_input"])
    if not poor or not answer["response"] or left_in_english:
        raise ValueError(f"degraded ({', '.join(lacking)})")


def first_answer(url, body, deadline, key=""):
    """The answer to one request, asked for again until there is somebody who answers."""
    while True:
        try:
            return post(url, body, key)
        except urllib.error.HTTPError as err:
            problem = f"{err.code}: {err.read().decode(errors='replace')[:500]}"
            if err.code < 500:
                raise ValueError(problem) from err
        except OSError as err:
            problem = str(err)
        if time.monotonic() > deadline:
            raise ValueError(problem)
        time.sleep(2)


def post(url, body, key):
    headers = {"content-type": "application/json"}
    if key:
        headers["authorization"] = f"Bearer {key}"
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=300) as response:
        return read_stream(response) if body.get("stream") else json.load(response)


def read_stream(response):
    """The turn that a stream of chunks tells of. Raises ValueError where it breaks off."""
    words, turn = "", None
    for line in response:
        data = line.decode().removeprefix("data: ").strip()
        if data == "[DONE]" and turn is not None:
            return {**turn, "response": words}
        chunk = json.loads(data or "{}")
        if "error" in chunk:
            raise ValueError(chunk["error"]["message"])
        for choice in chunk.get("choices", ()):
            words += choice["delta"].get("content", "")
            turn = choice.get("parley", turn)
    raise ValueError("the gateway's answer broke off")


if __name__ == "__main__":
    sys.exit(main(os.environ))
