"""The wire itself, for what a well-behaved client never sends."""

import asyncio
import json

from editor import TIMEOUT


class Wire:
    """A server process and its messages."""

    def __init__(self, process: asyncio.subprocess.Process):
        self.process, self.number = process, 0
        self.others: list[dict] = []
        """What came while something else was waited for."""

    @classmethod
    async def start(cls, binary: str) -> "Wire":
        pipe = asyncio.subprocess.PIPE
        return cls(await asyncio.create_subprocess_exec(binary, "lsp", stdin=pipe, stdout=pipe, stderr=pipe))

    async def stop(self):
        if self.process.returncode is None:
            self.process.kill()
        await self.process.communicate()

    def raw(self, body: bytes, length: int | None = None):
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % (len(body) if length is None else length) + body)

    def send(self, message: dict):
        self.raw(json.dumps({"jsonrpc": "2.0", **message}).encode())

    def tell(self, method: str, params=None):
        self.send({"method": method} | ({} if params is None else {"params": params}))

    def request(self, method: str, params=None) -> int:
        """Sends a request without waiting for its answer."""
        self.number += 1
        self.send({"id": self.number, "method": method} | ({} if params is None else {"params": params}))
        return self.number

    async def next(self) -> dict:
        """The next message of the server; it has to be whole."""

        async def read():
            length = None
            while (line := await self.process.stdout.readline()).strip():
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            assert length is not None, "the server has closed its output"
            return json.loads(await self.process.stdout.readexactly(length))

        message = await asyncio.wait_for(read(), TIMEOUT)
        assert message["jsonrpc"] == "2.0"
        return message

    async def answer(self, number) -> dict:
        """The answer to a request: the whole message."""
        for message in self.others:
            if message.get("id") == number and "method" not in message:
                self.others.remove(message)
                return message
        while True:
            message = await self.next()
            if "method" in message and "id" in message:
                self.send({"id": message["id"], "result": None})
            elif message.get("id") == number and "method" not in message:
                return message
            else:
                self.others.append(message)

    async def ask(self, method: str, params=None) -> dict:
        return await self.answer(self.request(method, params))

    async def initialize(self, root: str | None = None) -> dict:
        answer = await self.ask("initialize", {"processId": None, "rootUri": root, "capabilities": {}})
        assert "result" in answer, answer
        self.tell("initialized", {})
        return answer["result"]

    async def ends(self, within: float = 2.0) -> int:
        """Waits until the process ends: its code."""
        return await asyncio.wait_for(self.process.wait(), within)
