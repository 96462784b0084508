#include "dimse/request_reader.h"

#include "dimse/associate.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/read.hpp>

#include <algorithm>
#include <array>

// Candidate, provider and lengths belong to coroutines that await these.
// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters)
namespace gantry::dimse {

namespace {

using asio::ip::tcp;

Arrived aborting(pdu::AbortReason reason)
{
    return {false, std::nullopt, reason};
}

Arrived refusing(Refusal refusal)
{
    return {false, refusal, std::nullopt};
}

/// Nothing when the first PDU may be an A-ASSOCIATE-RQ.
std::optional<pdu::AbortReason> objection_to(const std::byte* head)
{
    const auto type = static_cast<pdu::Type>(wire::number(head));
    if (type < pdu::Type::associate_rq || type > pdu::Type::abort)
        return pdu::AbortReason::unrecognised_pdu;
    if (type != pdu::Type::associate_rq)
        return pdu::AbortReason::unexpected_pdu;
    const std::uint32_t length = wire::be32(head + 2);
    if (length < AssociateHead::size || length > pdu::max_associate_size)
        return pdu::AbortReason::invalid_parameter_value;
    return std::nullopt;
}

std::optional<Refusal> judge(const AssociateHead& head, const AeTitle& called)
{
    if (!head.version_1)
        return Refusal::protocol_version;
    if (!head.called || *head.called != called)
        return Refusal::called_ae_not_recognised;
    if (!head.calling)
        return Refusal::calling_ae_not_recognised;
    return std::nullopt;
}

asio::awaitable<Arrived> read_head(Candidate& candidate, std::uint32_t& length)
{
    std::array<std::byte, pdu::head_size + AssociateHead::size> bytes{};
    const auto pdu_head = asio::buffer(bytes.data(), pdu::head_size);
    const auto [ec, count] = co_await asio::async_read(candidate.socket, pdu_head, use_tuple);
    if (ec)
        co_return Arrived{};
    if (const auto objection = objection_to(bytes.data()))
        co_return aborting(*objection);
    length = wire::be32(bytes.data() + 2);
    const auto fixed = asio::buffer(bytes.data() + pdu::head_size, AssociateHead::size);
    const auto [broken, more] = co_await asio::async_read(candidate.socket, fixed, use_tuple);
    if (broken)
        co_return Arrived{};
    const auto rest = ConstBytes(bytes).subspan(pdu::head_size);
    const AssociateHead head = parse_associate_head(rest);
    candidate.head.called = head.called.value_or(AeTitle{});
    candidate.head.calling = head.calling.value_or(AeTitle{});
    if (!candidate.memory.grow(AssociateHead::size))
        co_return refusing(Refusal::local_limit_exceeded);
    candidate.request.assign(rest.begin(), rest.end());
    Arrived arrived;
    arrived.complete = true;
    co_return arrived;
}

// The buffer grows with what arrives: a large length alone takes no memory.
asio::awaitable<Arrived> read_rest(Candidate& candidate, std::uint32_t length)
{
    wire::Buffer& request = candidate.request;
    while (request.size() < length) {
        const std::size_t held = request.size();
        const std::size_t step = std::min(length - held, std::max<std::size_t>(held, 2'048));
        if (!candidate.memory.grow(step))
            co_return refusing(Refusal::local_limit_exceeded);
        request.resize(held + step);
        const auto buffer = asio::buffer(request.data() + held, step);
        const auto [ec, count] = co_await asio::async_read(candidate.socket, buffer, use_tuple);
        if (ec)
            co_return Arrived{};
    }
    Arrived arrived;
    arrived.complete = true;
    co_return arrived;
}

} // namespace

asio::awaitable<Arrived>
read_associate_request(Candidate& candidate, const AeTitle& called, ServiceProvider& provider)
{
    // Until something arrives, a connection holds no buffer.
    const auto [ec] = co_await candidate.socket.async_wait(tcp::socket::wait_read, use_tuple);
    if (ec)
        co_return Arrived{};
    std::uint32_t length = 0;
    Arrived arrived = co_await read_head(candidate, length);
    if (!arrived.complete)
        co_return arrived;
    if (const auto refusal = judge(parse_associate_head(candidate.request), called))
        co_return refusing(*refusal);
    if (const auto refusal = provider.admit(candidate.head))
        co_return refusing(*refusal);
    arrived = co_await read_rest(candidate, length);
    co_return arrived;
}

} // namespace gantry::dimse

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)
