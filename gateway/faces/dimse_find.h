// C-FIND as the DIMSE face offers it (PS3.4 C.4.1), on any origin: checks the Identifier, asks,
// matches again what comes, and answers in the peer's character set. Runs on the loop; holds one
// match at a time, or the patients of a question at the patient level. Knows neither how the origin
// is reached nor how an association works.
#pragma once

#include "dimse/service_provider.h"
#include "gateway/origin.h"

#include <cstddef>
#include <string>
#include <unordered_map>

namespace gantry::faces {

struct FindServiceOptions {
    AeTitle retrieve_ae_title; // (0008,0054): who is asked to move or get; empty: nobody
    bool lenient = false;      // dimse.queries
    std::unordered_map<AeTitle, std::string> character_sets; // (0008,0005) by peer
    std::size_t max_patients = 10'000; // of one question, held until all studies are known
};

class FindService {
public:
    /// `origin` outlives the service.
    FindService(FindServiceOptions options, Origin& origin);

    /// ServiceProvider::on_find(). Statuses by PS3.4 table C.4-1; never Success for an answer that
    /// is not complete. Several at once.
    asio::awaitable<DimseStatus>
    find(dimse::AssociationInfo peer, dimse::FindRequest request, dimse::MatchSink& matches) const;

private:
    FindServiceOptions options_;
    Origin& origin_;
};

} // namespace gantry::faces
