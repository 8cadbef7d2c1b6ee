"""What `helm test` runs: two turns in every installed language, printed as they go.

CONVERSATIONS is JSON, [{"graph": URL, "language": code, "messages": [text, ...]}]; a language
without messages is named and passed over. The first answer may take SECONDS, for KServe calls a
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
    failed = 0
    for conversation in json.loads(environ["CONVERSATIONS"]):
        try:
            converse(deadline=deadline, **conversation)
        except (KeyError, ValueError, OSError) as err:
            print(f"{conversation['language']}: failed: {err}", flush=True)
            failed = 1
    return failed


def converse(graph, language, messages, deadline):
    if not messages:
        print(f"{language}: not tried; write tests.sentences.{language}", flush=True)
    history = []
    for message in messages:
        instance = {"user_input": message, "history": history}
        answer = first_answer(graph, instance, deadline)["predictions"][0]
        print(f"{language} > {message}\n{language} < {answer['response']}", flush=True)
        if answer["language"] != language:
            raise ValueError(f"taken for {answer['language']!r}")
        check_whole(answer)
        history = answer.get("history", [])


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


def first_answer(graph, instance, deadline):
    """The answer to one turn, asked for again until the graph is there."""
    while True:
        try:
            return post(graph, instance)
        except urllib.error.HTTPError as err:
            problem = f"{err.code}: {err.read().decode(errors='replace')[:500]}"
            if err.code < 500:
                raise ValueError(problem) from err
        except OSError as err:
            problem = str(err)
        if time.monotonic() > deadline:
            raise ValueError(problem)
        time.sleep(2)


def post(graph, instance):
    body = json.dumps({"instances": [instance]}).encode()
    request = urllib.request.Request(graph, body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=300) as response:
        return json.load(response)


if __name__ == "__main__":
    sys.exit(main(os.environ))
