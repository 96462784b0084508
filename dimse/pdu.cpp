#include "dimse/pdu.h"

#include <iterator>

namespace gantry::dimse {

const char* to_string(Refusal refusal) noexcept
{
    switch (refusal) {
    case Refusal::called_ae_not_recognised: return "called AE title not recognised";
    case Refusal::calling_ae_not_recognised: return "calling AE title not recognised";
    case Refusal::application_context_name: return "application context name not supported";
    case Refusal::protocol_version: return "protocol version not supported";
    case Refusal::temporary_congestion: return "temporary congestion";
    case Refusal::local_limit_exceeded: return "local limit exceeded";
    }
    return "unknown refusal";
}

namespace pdu {

namespace {

Small small(Type type, unsigned b, unsigned c, unsigned d)
{
    return {
        static_cast<std::byte>(type),
        std::byte{0},
        std::byte{0},
        std::byte{0},
        std::byte{0},
        std::byte{4},
        std::byte{0},
        static_cast<std::byte>(b),
        static_cast<std::byte>(c),
        static_cast<std::byte>(d)
    };
}

Rejection rejection_of(Refusal refusal)
{
    switch (refusal) {
    case Refusal::called_ae_not_recognised: return {1, 1, 7};
    case Refusal::calling_ae_not_recognised: return {1, 1, 3};
    case Refusal::application_context_name: return {1, 1, 2};
    case Refusal::protocol_version: return {1, 2, 2};
    case Refusal::temporary_congestion: return {2, 3, 1};
    case Refusal::local_limit_exceeded: return {2, 3, 2};
    }
    return {1, 1, 1};
}

const char* reason_text(const Rejection& rejection)
{
    struct Row {
        std::uint8_t source;
        std::uint8_t reason;
        const char* text;
    };

    static constexpr Row rows[] = {
        {1, 1, "no reason given"},
        {1, 2, "application context name not supported"},
        {1, 3, "calling AE title not recognised"},
        {1, 7, "called AE title not recognised"},
        {2, 1, "no reason given"},
        {2, 2, "protocol version not supported"},
        {3, 1, "temporary congestion"},
        {3, 2, "local limit exceeded"},
    };
    for (const Row& row : rows) {
        if (row.source == rejection.source && row.reason == rejection.reason)
            return row.text;
    }
    return "reason unknown to the standard";
}

} // namespace

Small release_request()
{
    return small(Type::release_rq, 0, 0, 0);
}

Small release_response()
{
    return small(Type::release_rp, 0, 0, 0);
}

Small user_abort()
{
    return small(Type::abort, 0, 0, 0);
}

Small provider_abort(AbortReason reason)
{
    return small(Type::abort, 0, 2, static_cast<unsigned>(reason));
}

Small reject(Refusal refusal)
{
    const Rejection codes = rejection_of(refusal);
    return small(Type::associate_rj, codes.result, codes.source, codes.reason);
}

std::string Rejection::text() const
{
    const char* kind = result == 1   ? "permanent"
                       : result == 2 ? "transient"
                                     : "with unknown result";
    return std::string("rejected ") + kind + ", " + reason_text(*this) + " (" +
           std::to_string(result) + "/" + std::to_string(source) + "/" + std::to_string(reason) +
           ")";
}

} // namespace pdu

} // namespace gantry::dimse
