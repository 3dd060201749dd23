"""OpenAI's Python client."""

from openai import OpenAI

from flows import serve

MESSAGES = [{"role": "user", "content": "Say hello"}]


def with_openai(flow):
    def run(asked):
        client = OpenAI(base_url=f"{asked['url']}/v1", api_key=asked["token"], max_retries=0)
        return flow(asked, client)

    return run


def chat(asked, client):
    answer = client.chat.completions.create(model=asked["model"], messages=MESSAGES)
    return answer.choices[0].message.content


def stream(asked, client):
    parts = client.chat.completions.create(model=asked["model"], messages=MESSAGES, stream=True)
    return "".join(part.choices[0].delta.content or "" for part in parts)


def models(asked, client):
    names = sorted(model.id for model in client.models.list())
    if asked["model"] not in names:
        raise RuntimeError(f"{asked['model']} is not listed")
    return names


serve({flow.__name__: with_openai(flow) for flow in (chat, stream, models)})
