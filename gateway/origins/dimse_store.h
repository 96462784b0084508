// Stores a batch in an archive that speaks DIMSE: C-STORE of one after the other on one association
// (PS3.4 B.2), opened once more where it is lost. Loop. One use.
#pragma once

#include "dimse/requestor.h"
#include "gateway/origin.h"
#include "gateway/origins/outgoing_instance.h"

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace gantry {

/// What follows from a C-STORE-RSP for the instance (PS3.4 B.2.3, PS3.7 9.1.1.1.9). A duplicate
/// (0111) is a conflict as long as nobody has looked.
StoreOutcome outcome_of_status(std::uint16_t status);

/// And from none.
StoreOutcome outcome_of_error(const Error& error);

class DimseStore {
public:
    using OpenStore = std::function<asio::awaitable<
        Result<std::unique_ptr<dimse::StoreAssociation>>>(std::vector<dimse::ProposedContext>)>;
    /// Origin::verify() of one: whether the archive has this very instance.
    using LookFor =
        std::function<asio::awaitable<Result<std::vector<bool>>>(std::vector<InstanceKey>)>;

    struct Means {
        std::string origin; // its name, for the log
        OpenStore open;
        LookFor look_for;
        std::span<const Uid> taken; // transfer syntaxes; empty: what is accepted in negotiation
        PreparationMeans preparation;
    };

    DimseStore(Means means, std::vector<std::unique_ptr<InstanceContent>> batch);

    /// As Origin::store().
    asio::awaitable<std::vector<StoreOutcome>> run();

private:
    struct Item {
        InstanceKey key;
        std::unique_ptr<InstanceContent> content;
        std::optional<StoreOutcome> outcome = {};
    };

    asio::awaitable<void> store_on(std::vector<dimse::ProposedContext> contexts);
    asio::awaitable<bool> store_all(dimse::StoreAssociation& association, std::span<Item*> items);
    asio::awaitable<void> store_one(dimse::StoreAssociation& association, Item& item);
    asio::awaitable<void> look(std::span<Item*> items);
    void settle_rest(std::span<Item*> items, const StoreOutcome& outcome);

    Means means_;
    std::vector<Item> items_;
    bool away_ = false; // it does not answer: nothing more is asked of it now
};

} // namespace gantry
