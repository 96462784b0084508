#include "bench/load_association.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <utility>

namespace gantry::bench {

namespace {

constexpr std::size_t pdu_head = 6;
constexpr unsigned pdv_head = 6;
constexpr time_t patience = 300; // seconds

std::string item(unsigned type, std::string_view value)
{
    return big(type, 1) + '\0' + big(value.size(), 2) + std::string(value);
}

std::string pdu_of(unsigned type, std::string_view body)
{
    return big(type, 1) + '\0' + big(body.size(), 4) + std::string(body);
}

std::string title(std::string text)
{
    text.resize(16, ' ');
    return text;
}

std::string user_items()
{
    return item(0x51, big(largest_pdu, 4)) + item(0x52, "2.25.1") + item(0x55, "GANTRY_BENCH");
}

// Calls `each(type, value)` for the items of a PDU or of an item (PS3.8 9.3.2).
template <typename Each>
void for_items(std::string_view bytes, Each each)
{
    while (bytes.size() >= 4) {
        const std::size_t length = std::min(read_big(bytes, 2, 2), bytes.size() - 4);
        each(read_big(bytes, 0, 1), bytes.substr(4, length));
        bytes.remove_prefix(4 + length);
    }
}

void prepare(int socket)
{
    const int on = 1;
    const timeval limit{patience, 0};
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

sockaddr_in loopback(std::uint16_t port)
{
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
}

int connected(std::uint16_t port)
{
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback(port);
    prepare(socket);
    if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        throw std::runtime_error("cannot connect");
    return socket;
}

// The presentation context item of an A-ASSOCIATE-AC (PS3.8 9.3.3.2).
std::string answer_context(std::string_view proposed, const std::vector<std::string>& syntaxes)
{
    std::string chosen;
    for_items(proposed.substr(4), [&](std::size_t type, std::string_view value) {
        const bool wanted =
            syntaxes.empty() || std::ranges::find(syntaxes, value) != syntaxes.end();
        if (type == 0x40 && chosen.empty() && wanted)
            chosen = value;
    });
    const std::string refused = chosen.empty() ? "\x04" : std::string(1, '\0');
    const std::string syntax = chosen.empty() ? "1.2.840.10008.1.2" : chosen;
    return item(
        0x21, std::string(proposed.substr(0, 1)) + '\0' + refused + '\0' + item(0x40, syntax)
    );
}

} // namespace

LoadAssociation::LoadAssociation(
    std::uint16_t port,
    const std::string& called,
    const std::string& calling,
    const std::vector<Proposal>& proposals
)
    : socket_(connected(port)), contexts_(256), buffer_(1U << 20U)
{
    request(called, calling, proposals);
    read_acceptance(pdu());
    if (accepted_ == 0)
        throw std::runtime_error("no presentation context accepted");
}

LoadAssociation::LoadAssociation(int socket, const std::vector<std::string>& syntaxes)
    : socket_(socket), contexts_(256), buffer_(1U << 20U)
{
    prepare(socket_);
    const std::string_view asked = pdu();
    if (asked.size() < 74 || asked[0] != 1)
        throw std::runtime_error("no A-ASSOCIATE-RQ");
    std::string body = big(1, 2) + big(0, 2) + std::string(asked.substr(10, 64));
    body += item(0x10, "1.2.840.10008.3.1.1.1");
    for_items(asked.substr(74), [&](std::size_t type, std::string_view value) {
        if (type == 0x20)
            body += answer_context(value, syntaxes);
        if (type == 0x50)
            for_items(value, [&](std::size_t sub, std::string_view content) {
                if (sub == 0x51)
                    peer_pdu_ = static_cast<std::uint32_t>(read_big(content, 0, 4));
            });
    });
    write(pdu_of(2, body + item(0x50, user_items())));
}

LoadAssociation::~LoadAssociation()
{
    ::close(socket_);
}

void LoadAssociation::request(
    const std::string& called, const std::string& calling, const std::vector<Proposal>& proposals
)
{
    std::string body =
        big(1, 2) + big(0, 2) + title(called) + title(calling) + std::string(32, '\0');
    body += item(0x10, "1.2.840.10008.3.1.1.1");
    std::string user = user_items();
    unsigned id = 1;
    for (const Proposal& proposal : proposals) {
        std::string context = big(id, 1) + std::string(3, '\0');
        context += item(0x30, proposal.abstract_syntax);
        for (const std::string& syntax : proposal.transfer_syntaxes)
            context += item(0x40, syntax);
        body += item(0x20, context);
        if (proposal.as_scp) {
            const std::string& uid = proposal.abstract_syntax;
            user += item(0x54, big(uid.size(), 2) + uid + std::string("\0\1", 2));
        }
        id += 2;
    }
    write(pdu_of(1, body + item(0x50, user)));
}

void LoadAssociation::read_acceptance(std::string_view pdu)
{
    if (pdu.size() < 74 || pdu[0] != 2)
        throw std::runtime_error("association refused");
    for_items(pdu.substr(74), [&](std::size_t type, std::string_view value) {
        if (type == 0x21 && value.size() > 2 && value[2] == 0) {
            contexts_[static_cast<unsigned char>(value[0])] = true;
            ++accepted_;
        }
        if (type == 0x50)
            for_items(value, [&](std::size_t sub, std::string_view content) {
                if (sub == 0x51)
                    peer_pdu_ = static_cast<std::uint32_t>(read_big(content, 0, 4));
            });
    });
}

bool LoadAssociation::accepted(unsigned context) const
{
    return contexts_.at(context);
}

void LoadAssociation::write(std::string_view bytes) const
{
    while (!bytes.empty()) {
        const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0)
            throw std::runtime_error("the peer closed, or takes nothing");
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
}

void LoadAssociation::send(unsigned context, const CommandSet& command, std::string_view data_set)
{
    const std::uint32_t limit = peer_pdu_ == 0 ? largest_pdu : std::min(peer_pdu_, largest_pdu);
    const std::size_t room = (limit - pdv_head) & ~std::size_t{1};
    std::string out;
    const auto append = [&](std::string_view message, unsigned kind) {
        while (!message.empty()) {
            const std::string_view piece = message.substr(0, room);
            message.remove_prefix(piece.size());
            const unsigned control = kind | (message.empty() ? 2U : 0U);
            const std::string head = big(piece.size() + 2, 4) + big(context, 1) + big(control, 1);
            out += pdu_of(4, head + std::string(piece));
        }
    };
    append(command.bytes(), 1);
    append(data_set, 0);
    write(out);
}

std::string_view LoadAssociation::pdu()
{
    for (;;) {
        const std::string_view window(buffer_.data() + begin_, end_ - begin_);
        if (window.size() >= pdu_head) {
            const std::size_t size = pdu_head + read_big(window, 2, 4);
            if (size > buffer_.size())
                throw std::runtime_error("a PDU larger than agreed");
            if (window.size() >= size) {
                begin_ += size;
                return window.substr(0, size);
            }
        }
        if (begin_ > 0) {
            std::memmove(buffer_.data(), window.data(), window.size());
            end_ -= std::exchange(begin_, 0);
        }
        const ssize_t got = ::recv(socket_, buffer_.data() + end_, buffer_.size() - end_, 0);
        if (got < 0)
            throw std::runtime_error("nothing received in time, or connection lost");
        if (got == 0)
            return {};
        end_ += static_cast<std::size_t>(got);
    }
}

bool LoadAssociation::next(Fragment& fragment)
{
    while (pdvs_.size() < pdv_head) {
        const std::string_view came = pdu();
        if (came.empty() || came[0] == 6)
            return false;
        if (came[0] == 5) {
            write(pdu_of(6, std::string(4, '\0')));
            return false;
        }
        if (came[0] != 4)
            throw std::runtime_error("the peer aborted");
        pdvs_ = came.substr(pdu_head);
    }
    const std::size_t length = std::min(read_big(pdvs_, 0, 4) + 4, pdvs_.size());
    const auto control = static_cast<unsigned char>(pdvs_[5]);
    fragment = {
        static_cast<unsigned char>(pdvs_[4]),
        (control & 1U) != 0,
        (control & 2U) != 0,
        pdvs_.substr(pdv_head, length - pdv_head)
    };
    pdvs_.remove_prefix(length);
    return true;
}

bool LoadAssociation::next_command(CommandSet& command, unsigned& context)
{
    std::string bytes;
    for (Fragment fragment; next(fragment);) {
        if (!fragment.command)
            throw std::runtime_error("a data set that was not announced");
        bytes += fragment.bytes;
        if (!fragment.last)
            continue;
        command = CommandSet(bytes);
        context = fragment.context;
        return true;
    }
    return false;
}

std::uint64_t LoadAssociation::drain()
{
    std::uint64_t size = 0;
    for (Fragment fragment; next(fragment);) {
        if (fragment.command)
            throw std::runtime_error("a command where a data set was announced");
        size += fragment.bytes.size();
        if (fragment.last)
            return size;
    }
    throw std::runtime_error("the peer closed within a data set");
}

void LoadAssociation::release()
{
    write(pdu_of(5, std::string(4, '\0')));
    for (std::string_view came = pdu(); !came.empty() && came[0] != 6;)
        came = pdu();
}

int listen_on(std::uint16_t port)
{
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback(port);
    const int on = 1;
    ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener, 64) != 0)
        throw std::runtime_error("cannot listen on port " + std::to_string(port));
    return listener;
}

} // namespace gantry::bench
