"""A relay that takes everything and keeps nothing, in a process of its own: quick enough for many
thousand sessions.

usage: quick_relay.py HOST PORT
"""

import asyncio
import sys

ANSWERS = {
    b"EHLO": b"250-quick.example.com\r\n250-PIPELINING\r\n250 AUTH PLAIN\r\n",
    b"AUTH": b"235 2.7.0 welcome\r\n",
    b"DATA": b"354 go on\r\n",
    b"QUIT": b"221 2.0.0 bye\r\n",
}
OK = b"250 2.0.0 ok\r\n"


class Session(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
        self.input, self.end = b"", b"\r\n"
        transport.write(b"220 quick.example.com ESMTP\r\n")

    def data_received(self, data):
        self.input += data
        while self.end in self.input:
            line, _, self.input = self.input.partition(self.end)
            # The end of a message is no command, and is answered as most commands are.
            verb = line.split(b" ")[0].upper() if self.end == b"\r\n" else b""
            self.end = b"\r\n.\r\n" if verb == b"DATA" else b"\r\n"
            self.transport.write(ANSWERS.get(verb, OK))
            if verb == b"QUIT":
                self.transport.close()


async def serve(host, port):
    server = await asyncio.get_running_loop().create_server(Session, host, port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2])))
