// SOP Class Extended Negotiation of the query/retrieve classes (PS3.7 D.3.3.5; PS3.4 C.5.1, C.5.2,
// C.5.3). Pure; any thread.
#pragma once

#include "dimse/service_provider.h"
#include "dimse/wire.h"
#include "mapping/vocabulary/sop_class.h"

#include <optional>

namespace gantry::dimse {

/// What the bytes of an offer ask for. Empty: they mean nothing, and are not answered: no byte at
/// all, one that is neither 0 nor 1, another class.
std::optional<QueryOptions> offered_options(Service service, ConstBytes information);

/// What an offer of ours says: as many bytes as it needs; none where nothing is wanted, or the
/// class is another.
wire::Buffer wanted_information(Service service, QueryOptions wanted);

/// What is in both.
QueryOptions common_options(QueryOptions one, QueryOptions other);

/// The answer to an offer of `offered` bytes: 1 for what is granted, 0 for what is not; never more
/// bytes than offered, nor than the standard knows.
wire::Buffer granted_information(Service service, std::size_t offered, QueryOptions granted);

} // namespace gantry::dimse
