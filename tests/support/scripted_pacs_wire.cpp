#include "support/scripted_pacs_state.h"

#include <algorithm>

namespace gantry::tests {

PacsWire::Pdv PacsWire::next()
{
    while (pdvs_.empty()) {
        const ByteVector pdu = peer.receive_pdu();
        if (pdu[0] == std::byte{5})
            peer.send(hex("0600 00000004 00000000"));
        if (pdu[0] != std::byte{4})
            throw PacsEnd();
        for (std::size_t at = 6; at + 6 <= pdu.size();) {
            const std::uint32_t length = dimse::wire::be32(pdu.data() + at);
            if (length < 2 || length > pdu.size() - at - 4)
                throw PacsEnd();
            const auto begin = pdu.begin() + static_cast<std::ptrdiff_t>(at) + 6;
            pdvs_.push_back(
                {dimse::wire::number(pdu.data() + at + 4),
                 dimse::wire::number(pdu.data() + at + 5),
                 ByteVector(begin, begin + static_cast<std::ptrdiff_t>(length) - 2)}
            );
            at += length + 4;
        }
    }
    Pdv first = std::move(pdvs_.front());
    pdvs_.pop_front();
    return first;
}

PacsMessage PacsWire::read()
{
    PacsMessage message;
    const auto read_all = [&](ByteVector& into) {
        for (bool last = false; !last;) {
            const Pdv pdv = next();
            message.context = pdv.context;
            into.insert(into.end(), pdv.bytes.begin(), pdv.bytes.end());
            last = (pdv.control & 2U) != 0;
        }
    };
    read_all(message.command);
    auto set = dimse::CommandSet::parse(message.command);
    if (!set)
        throw PacsEnd();
    message.set = std::move(*set);
    if (message.set.has_data_set())
        read_all(message.data_set);
    return message;
}

void PacsWire::send_command(unsigned context, ConstBytes command)
{
    if (!peer.send(p_data(context, 3, command)))
        throw PacsEnd();
}

void PacsWire::send_data(unsigned context, ConstBytes data_set, std::size_t count)
{
    constexpr std::size_t largest = 65'536;
    const std::size_t limit =
        peer_max_pdu == 0 ? largest : std::min<std::size_t>(peer_max_pdu, largest);
    count = std::min(count, data_set.size());
    for (std::size_t at = 0; at < count;) {
        const std::size_t piece = std::min(count - at, (limit - 6) & ~std::size_t{1});
        const bool last = at + piece == data_set.size();
        if (!peer.send(p_data(context, last ? 2 : 0, data_set.subspan(at, piece))))
            throw PacsEnd();
        at += piece;
    }
}

} // namespace gantry::tests
