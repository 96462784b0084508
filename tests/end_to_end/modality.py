"""A modality of the trials' own: an association requestor that shares no code with gantry or DCMTK (PS3.8 9.3, PS3.7 9.1)."""

import os
import socket
import struct

CT = "1.2.840.10008.5.1.4.1.1.2"
VERIFICATION = "1.2.840.10008.1.1"
EXPLICIT = "1.2.840.10008.1.2.1"
IMPLICIT = "1.2.840.10008.1.2"


def element(group, number, vr, value):
    """One data element in Explicit VR Little Endian."""
    if isinstance(value, str):
        value = value.encode()
    if len(value) % 2:
        value += b"\0" if vr in ("UI", "OB") else b" "
    head = struct.pack("<HH2s", group, number, vr.encode())
    if vr in ("OB", "OW", "SQ", "UN", "UT"):
        return head + struct.pack("<HI", 0, len(value)) + value
    return head + struct.pack("<H", len(value)) + value


def ct_image(study, series, instance, pixels=b"\0" * 512, patient="Trial^Patient"):
    """A CT data set of len(pixels) bytes of pixel data, in Explicit VR Little Endian."""
    return b"".join([
        element(0x0008, 0x0016, "UI", CT),
        element(0x0008, 0x0018, "UI", instance),
        element(0x0008, 0x0020, "DA", "20240501"),
        element(0x0008, 0x0030, "TM", "101500"),
        element(0x0008, 0x0050, "SH", "A1"),
        element(0x0008, 0x0060, "CS", "CT"),
        element(0x0008, 0x0090, "PN", ""),
        element(0x0010, 0x0010, "PN", patient),
        element(0x0010, 0x0020, "LO", "TRIAL-1"),
        element(0x0010, 0x0030, "DA", ""),
        element(0x0010, 0x0040, "CS", "O"),
        element(0x0020, 0x000D, "UI", study),
        element(0x0020, 0x000E, "UI", series),
        element(0x0020, 0x0010, "SH", "1"),
        element(0x0020, 0x0011, "IS", "1"),
        element(0x0020, 0x0013, "IS", instance.rpartition(".")[2][:12]),
        element(0x0028, 0x0002, "US", struct.pack("<H", 1)),
        element(0x0028, 0x0004, "CS", "MONOCHROME2"),
        element(0x0028, 0x0010, "US", struct.pack("<H", 1)),
        element(0x0028, 0x0011, "US", struct.pack("<H", min(len(pixels) // 2, 65535))),
        element(0x0028, 0x0100, "US", struct.pack("<H", 16)),
        element(0x0028, 0x0101, "US", struct.pack("<H", 16)),
        element(0x0028, 0x0102, "US", struct.pack("<H", 15)),
        element(0x0028, 0x0103, "US", struct.pack("<H", 0)),
        element(0x7FE0, 0x0010, "OW", pixels),
    ])


class Refused(Exception):
    """A-ASSOCIATE-RJ: (result, source, reason)."""


class Aborted(Exception):
    """A-ABORT: (source, reason)."""


def item(kind, content):
    return struct.pack(">BBH", kind, 0, len(content)) + content


def associate_rq(calling, called, contexts, pdu=16384, roles=()):
    """The bytes of an A-ASSOCIATE-RQ. contexts: {id: (abstract syntax, [transfer syntaxes])}; roles: classes to be the SCP of."""
    body = struct.pack(">HH16s16s32x", 1, 0, called.ljust(16).encode(), calling.ljust(16).encode())
    body += item(0x10, b"1.2.840.10008.3.1.1.1")
    for number, (abstract, syntaxes) in contexts.items():
        content = struct.pack(">BBBB", number, 0, 0, 0) + item(0x30, abstract.encode())
        content += b"".join(item(0x40, s.encode()) for s in syntaxes)
        body += item(0x20, content)
    user = item(0x51, struct.pack(">I", pdu)) + item(0x52, b"1.2.3.999.1") + item(0x55, b"TRIAL")
    user += b"".join(item(0x54, struct.pack(">H", len(r)) + r.encode() + b"\0\1") for r in roles)
    body += item(0x50, user)
    return struct.pack(">BBI", 1, 0, len(body)) + body


class Association:
    def __init__(self, port, calling="TRIAL", called="GANTRY", contexts=None, timeout=60, roles=()):
        self.contexts = contexts or {1: (CT, [EXPLICIT]), 3: (VERIFICATION, [IMPLICIT])}
        self.number, self.pdvs = 0, b""
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(associate_rq(calling, called, self.contexts, roles=roles))
        kind, body = self.pdu()
        assert kind == 2, kind
        self.results, self.largest = self.answers(body)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def receive(self, size):
        got = bytearray()
        while len(got) < size:
            more = self.socket.recv(size - len(got))
            if not more:
                raise ConnectionError("closed by the peer")
            got += more
        return bytes(got)

    def pdu(self):
        kind, _, length = struct.unpack(">BBI", self.receive(6))
        body = self.receive(length)
        if kind == 3:
            raise Refused(body[1], body[2], body[3])
        if kind == 7:
            raise Aborted(body[2], body[3])
        return kind, body

    @staticmethod
    def answers(body):
        """{context: (result, transfer syntax)} and the peer's largest PDU, of an A-ASSOCIATE-AC."""
        results, largest, position = {}, 16384, 68
        while position < len(body):
            kind, _, length = struct.unpack_from(">BBH", body, position)
            content = body[position + 4:position + 4 + length]
            if kind == 0x21:
                results[content[0]] = (content[2], content[8:].decode())
            elif kind == 0x50:
                inner = 0
                while inner < len(content):
                    sub, _, size = struct.unpack_from(">BBH", content, inner)
                    if sub == 0x51:
                        largest = struct.unpack_from(">I", content, inner + 4)[0] or 1 << 20
                    inner += 4 + size
            position += 4 + length
        return results, largest

    def send(self, context, content, command):
        """One message part in P-DATA-TF PDUs of the size that the peer takes."""
        room = min(self.largest, 131072) - 6
        out = bytearray()
        for start in range(0, max(len(content), 1), room):
            piece = content[start:start + room]
            last = start + room >= len(content)
            out += struct.pack(">BBIIBB", 4, 0, len(piece) + 6, len(piece) + 2, context, command | (2 if last else 0))
            out += piece
        self.socket.sendall(out)

    @staticmethod
    def command(**elements):
        """A command set (PS3.7 6.3.1): Implicit VR Little Endian, group 0000."""
        out = b""
        for name in sorted(elements):
            value = elements[name]
            if isinstance(value, int):
                value = struct.pack("<H", value)
            elif isinstance(value, str):
                value = value.encode() + b"\0" * (len(value) % 2)
            out += struct.pack("<HHI", 0, int(name[1:], 16), len(value)) + value
        return struct.pack("<HHII", 0, 0, 4, len(out)) + out

    def fragment(self):
        """(context, control header, bytes) of the next PDV."""
        if not self.pdvs:
            kind, self.pdvs = self.pdu()
            assert kind == 4, kind
        length, context, header = struct.unpack_from(">IBB", self.pdvs)
        piece, self.pdvs = self.pdvs[6:4 + length], self.pdvs[4 + length:]
        return context, header, piece

    def message(self, command=True):
        """(context, bytes) of the next command set or data set."""
        content = b""
        while True:
            context, header, piece = self.fragment()
            assert bool(header & 1) == command, header
            content += piece
            if header & 2:
                return context, content

    def command_set(self):
        """(context, {element: value}) of the next command set."""
        context, content = self.message()
        elements, position = {}, 0
        while position < len(content):
            _, number, length = struct.unpack_from("<HHI", content, position)
            elements[number] = content[position + 8:position + 8 + length]
            position += 8 + length
        return context, elements

    def response(self):
        """{element: value} of the next command set; a data set that follows is not expected."""
        return self.command_set()[1]

    def store(self, data_set, instance, sop_class=CT, context=1):
        """Status of a C-STORE."""
        self.number = self.number % 65535 + 1
        self.send(context, self.command(
            x0002=sop_class, x0100=0x0001, x0110=self.number, x0700=0, x0800=0x0001, x1000=instance), 1)
        self.send(context, data_set, 0)
        return struct.unpack("<H", self.response()[0x0900])[0]

    def echo(self, context=3):
        """Status of a C-ECHO."""
        self.number = self.number % 65535 + 1
        self.send(context, self.command(x0002=VERIFICATION, x0100=0x0030, x0110=self.number, x0800=0x0101), 1)
        return struct.unpack("<H", self.response()[0x0900])[0]

    def get(self, sop_class, identifier, context=1):
        """C-GET: ({instance: (transfer syntax, data set)} that came by C-STORE on this association, final command set, its Identifier)."""
        received = {}
        self.number = self.number % 65535 + 1
        self.send(context, self.command(x0002=sop_class, x0100=0x0010, x0110=self.number, x0700=0, x0800=1), 1)
        self.send(context, identifier, 0)
        while True:
            where, command = self.command_set()
            content = self.message(command=False)[1] if command[0x0800] != b"\x01\x01" else b""
            if command[0x0100] == b"\x01\0":
                uid = command[0x1000].rstrip(b"\0").decode()
                received[uid] = self.results[where][1], content
                self.send(where, self.command(
                    x0002=command[0x0002].rstrip(b"\0").decode(), x0100=0x8001, x0120=struct.unpack("<H", command[0x0110])[0],
                    x0800=0x0101, x0900=0, x1000=uid), 1)
            elif command[0x0900] not in (b"\0\xff", b"\1\xff"):
                return received, command, content

    def release(self):
        self.socket.sendall(struct.pack(">BBII", 5, 0, 4, 0))
        kind, _ = self.pdu()
        assert kind == 6, kind
        self.socket.close()


def new_uid():
    return f"2.25.{int.from_bytes(os.urandom(12), 'big')}"
