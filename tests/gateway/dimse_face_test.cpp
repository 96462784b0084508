#include "gateway/error.h"
#include "gateway/faces/dimse_face.h"
#include "mapping/vocabulary/transfer_syntax.h"

#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <vector>

using namespace gantry;
using dimse::ContextAnswer;

namespace {

Uid uid(const char* text)
{
    return *Uid::parse(text);
}

AeTitle ae(const char* text)
{
    return *AeTitle::parse(text);
}

const char* const ct = "1.2.840.10008.5.1.4.1.1.2";

// Keeps in memory what a spool would keep on disk.
class MemorySpool final : public custody::Spool {
public:
    std::string bytes;
    std::vector<custody::StoredInstance> committed;
    bool full = false;
    bool write_fails = false;
    bool commit_fails = false;

    Result<std::unique_ptr<custody::SpoolWriter>> reserve(Bytes) override
    {
        if (full)
            return error(Errc::spool_full);
        return std::unique_ptr<custody::SpoolWriter>(std::make_unique<Writer>(*this));
    }

    Result<std::unique_ptr<custody::SpoolReader>> read(const std::string&) override
    {
        return error(Errc::not_found);
    }

    std::filesystem::path path(const std::string& slot) const override { return slot; }

    void release(const std::string&) override {}

    Result<std::filesystem::path> quarantine(const std::string&, const std::string&) override
    {
        return error(Errc::not_found);
    }

    Result<void>
    sweep(const std::function<bool(const custody::StoredInstance&)>&, const std::function<void(custody::SweptSlot)>&)
        override
    {
        return {};
    }

    Bytes free_space() const override { return {}; }

    Bytes used() const override { return {}; }

    bool accepting() const override { return !full; }

    void number_above(custody::ReceiptId) override {}

    void on_flush(std::function<void(std::chrono::nanoseconds)>) override {}

private:
    class Writer final : public custody::SpoolWriter {
    public:
        explicit Writer(MemorySpool& spool) : spool_(spool) {}

        Result<void> write(ConstBytes more) override
        {
            if (spool_.write_fails)
                return error(Errc::disk);
            spool_.bytes.append(reinterpret_cast<const char*>(more.data()), more.size());
            return {};
        }

        Result<custody::StoredInstance> commit(custody::Envelope envelope) override
        {
            if (spool_.commit_fails)
                return error(Errc::disk);
            spool_.committed.push_back({std::move(envelope), "slot"});
            return spool_.committed.back();
        }

    private:
        MemorySpool& spool_;
    };
};

// Counts what is enqueued; nothing else is asked of a queue by the face.
class CountingQueue final : public custody::DeliveryQueue {
public:
    std::vector<custody::StoredInstance> enqueued;
    Result<void> room = {};

    Result<void> admit() const override { return room; }

    void enqueue(custody::StoredInstance instance) override
    {
        enqueued.push_back(std::move(instance));
    }

    template <class T>
    static asio::awaitable<Result<T>> none()
    {
        co_return error(Errc::unsupported);
    }

    asio::awaitable<Result<std::vector<custody::Delivery>>>
    claim(std::string, std::size_t, Bytes, std::chrono::seconds) override
    {
        return none<std::vector<custody::Delivery>>();
    }

    asio::awaitable<Result<void>> record(std::vector<custody::DeliveryRecord>) override
    {
        return none<void>();
    }

    asio::awaitable<Result<void>> renew(std::vector<std::int64_t>, std::chrono::seconds) override
    {
        return none<void>();
    }

    asio::awaitable<void> ready(std::string) override { co_return; }

    asio::awaitable<Result<std::vector<custody::QueueRow>>> list(custody::QueueFilter) override
    {
        return none<std::vector<custody::QueueRow>>();
    }

    asio::awaitable<Result<std::vector<custody::DestinationSummary>>> summary() override
    {
        return none<std::vector<custody::DestinationSummary>>();
    }

    asio::awaitable<Result<std::vector<custody::StudySummary>>>
    studies(std::optional<Uid>, std::size_t) override
    {
        return none<std::vector<custody::StudySummary>>();
    }

    asio::awaitable<Result<std::uint64_t>> retry(custody::QueueFilter) override
    {
        return none<std::uint64_t>();
    }

    asio::awaitable<Result<std::uint64_t>> drop(custody::QueueFilter) override
    {
        return none<std::uint64_t>();
    }

    asio::awaitable<Result<void>> hold(std::string) override { return none<void>(); }

    asio::awaitable<Result<void>> release(std::string) override { return none<void>(); }

    void close() override {}
};

struct House {
    MemorySpool spool;
    CountingQueue queue;
    faces::DimseFace face{options(), spool, queue};
    dimse::AssociationInfo peer{1, ae("CT1"), ae("GANTRY"), "10.0.0.1", "VENDOR"};
    dimse::StoreRequest request{{uid(ct), uid("1.2.3.4")}, uid("1.2.840.10008.1.2.1"), 7};

    static faces::DimseFaceOptions options()
    {
        faces::DimseFaceOptions options;
        options.ae_title = ae("GANTRY");
        options.peers[ae("CT1")] = {.max_associations = 4};
        options.peers[ae("ECHO")] = {.store = false, .max_associations = 1};
        options.store_to = {"cloud", "vna"};
        options.taken_as_is = [](const Uid& syntax) {
            return TransferSyntax::of(syntax.str()).web_allowed;
        };
        return options;
    }

    DimseStatus store(const std::string& data_set)
    {
        auto begun = face.begin_store(peer, request);
        if (const auto* refused = std::get_if<DimseStatus>(&begun))
            return *refused;
        auto& incoming = std::get<0>(begun);
        // In two pieces, so that an element lies across the seam.
        const std::size_t half = data_set.size() / 2;
        for (const std::string& piece : {data_set.substr(0, half), data_set.substr(half)})
            if (!incoming->write(std::as_bytes(std::span(piece))))
                break;
        return incoming->finish();
    }
};

// One element in Explicit VR Little Endian with a short value.
std::string element(std::uint16_t group, std::uint16_t number, const char* vr, std::string value)
{
    if (value.size() % 2 != 0)
        value.push_back('\0');
    const auto word = [](std::size_t n) {
        return std::string{static_cast<char>(n & 0xffU), static_cast<char>(n >> 8U & 0xffU)};
    };
    return word(group) + word(number) + vr + word(value.size()) + value;
}

std::string
data_set(const char* sop_class, const char* instance, const char* study, const char* series)
{
    std::string out = element(0x0008, 0x0016, "UI", sop_class);
    out += element(0x0008, 0x0018, "UI", instance);
    if (study != nullptr)
        out += element(0x0020, 0x000d, "UI", study);
    if (series != nullptr)
        out += element(0x0020, 0x000e, "UI", series);
    return out;
}

} // namespace

TEST_CASE("an association is admitted for our AE title from a known peer (PS3.8 9.3.4)")
{
    House house;
    CHECK_FALSE(house.face.admit({ae("CT1"), ae("GANTRY"), "10.0.0.1"}).has_value());
    CHECK(
        house.face.admit({ae("CT1"), ae("gantry"), "10.0.0.1"}) ==
        dimse::Refusal::called_ae_not_recognised
    );
    CHECK(
        house.face.admit({ae("XX"), ae("GANTRY"), "10.0.0.1"}) ==
        dimse::Refusal::calling_ae_not_recognised
    );
    CHECK(house.face.max_associations_of(ae("CT1")) == 4);
    CHECK(house.face.max_associations_of(ae("XX")) == 0);

    auto options = House::options();
    options.unknown_peers = faces::PeerPermissions{.max_associations = 2};
    faces::DimseFace open_house(options, house.spool, house.queue);
    CHECK_FALSE(open_house.admit({ae("XX"), ae("GANTRY"), "10.0.0.1"}).has_value());
    CHECK(open_house.max_associations_of(ae("XX")) == 2);
}

TEST_CASE("a presentation context is answered by what the peer may and what the origins take")
{
    using Reason = ContextAnswer::Reason;

    struct Row {
        const char* says;
        const char* calling;
        const char* abstract_syntax;
        std::vector<Uid> offered;
        Reason reason;
        const char* chosen; // nullptr: refused
    };

    const Uid implicit = uid("1.2.840.10008.1.2");
    const Uid explicit_le = uid("1.2.840.10008.1.2.1");
    const Uid jpeg = uid("1.2.840.10008.1.2.4.70");
    const Uid deflated = uid("1.2.840.10008.1.2.1.99");
    const Uid vendor = uid("1.2.840.113619.5.2");
    const Row rows[] = {
        {"implicit alone is kept", "CT1", ct, {implicit}, Reason::accepted, "1.2.840.10008.1.2"},
        {"what the origin takes as it is",
         "CT1",
         ct,
         {implicit, explicit_le},
         Reason::accepted,
         "1.2.840.10008.1.2.1"},
        {"of several such the peer's first",
         "CT1",
         ct,
         {implicit, jpeg, explicit_le},
         Reason::accepted,
         "1.2.840.10008.1.2.4.70"},
        {"deflated alone is kept", "CT1", ct, {deflated}, Reason::accepted, "1.2.840.10008.1.2.1.99"
        },
        {"a private syntax is kept", "CT1", ct, {vendor}, Reason::accepted, "1.2.840.113619.5.2"},
        {"a private class is storage",
         "CT1",
         "1.3.12.2.1107.5.9.1",
         {implicit},
         Reason::accepted,
         "1.2.840.10008.1.2"},
        {"a peer that may only echo", "ECHO", ct, {implicit}, Reason::user_rejection, nullptr},
        {"verification",
         "ECHO",
         "1.2.840.10008.1.1",
         {implicit},
         Reason::accepted,
         "1.2.840.10008.1.2"},
        {"a service that no route gives",
         "CT1",
         "1.2.840.10008.5.1.4.1.2.2.1",
         {implicit},
         Reason::abstract_syntax_not_supported,
         nullptr},
        {"no transfer syntax at all",
         "CT1",
         ct,
         {},
         Reason::transfer_syntaxes_not_supported,
         nullptr},
    };
    House house;
    for (const Row& row : rows) {
        CAPTURE(row.says);
        dimse::AssociationInfo peer = house.peer;
        peer.calling = ae(row.calling);
        const auto answer = house.face.negotiate(peer, {1, uid(row.abstract_syntax), row.offered});
        CHECK(answer.reason == row.reason);
        CHECK(
            (answer.transfer_syntax ? answer.transfer_syntax->str() : "") ==
            (row.chosen ? row.chosen : "")
        );
    }
}

TEST_CASE("an instance is enqueued for every destination once the spool has it, byte for byte")
{
    House house;
    const std::string sent = data_set(ct, "1.2.3.4", "1.2.3", "1.2.3.1");
    CHECK(house.store(sent) == DimseStatus{status::success, {}});
    CHECK(house.spool.bytes == sent);
    REQUIRE(house.queue.enqueued.size() == 1);
    const custody::Envelope& envelope = house.queue.enqueued[0].envelope;
    CHECK(envelope.destinations == std::vector<std::string>{"cloud", "vna"});
    CHECK(envelope.calling_ae == "CT1");
    CHECK(envelope.peer_address == "10.0.0.1");
    CHECK(envelope.key.study == uid("1.2.3"));
    CHECK(envelope.key.series == uid("1.2.3.1"));
    CHECK(envelope.key.sop.sop_instance == uid("1.2.3.4"));
}

TEST_CASE("what does not hold is refused with its status and never reaches the queue")
{
    struct Row {
        const char* says;
        std::string data_set;
        std::uint16_t code;
    };

    const std::string good = data_set(ct, "1.2.3.4", "1.2.3", "1.2.3.1");
    const Row rows[] = {
        {"another instance", data_set(ct, "1.2.3.5", "1.2.3", "1.2.3.1"), 0xa900},
        {"another class",
         data_set("1.2.840.10008.5.1.4.1.1.4", "1.2.3.4", "1.2.3", "1.2.3.1"),
         0xa900},
        {"no study", data_set(ct, "1.2.3.4", nullptr, "1.2.3.1"), 0xa900},
        {"no series", data_set(ct, "1.2.3.4", "1.2.3", nullptr), 0xa900},
        {"a study that is no UID", data_set(ct, "1.2.3.4", "study one", "1.2.3.1"), 0xa900},
        {"cut short", good.substr(0, good.size() - 3), 0xc000},
        {"nothing", "", 0xa900},
        {"garbage", std::string(64, 'x'), 0xc000},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        House house;
        CHECK(house.store(row.data_set).code == row.code);
        CHECK(house.spool.committed.empty());
        CHECK(house.queue.enqueued.empty());
        CHECK(house.store(good).code == status::success); // and the next one is unharmed
    }
}

TEST_CASE("no room and no disk are told as out of resources before anything is acknowledged")
{
    const std::string good = data_set(ct, "1.2.3.4", "1.2.3", "1.2.3.1");
    House house;
    house.spool.full = true;
    CHECK(house.store(good).code == status::out_of_resources);
    house.spool.full = false;
    house.spool.write_fails = true;
    CHECK(house.store(good).code == status::out_of_resources);
    house.spool.write_fails = false;
    house.spool.commit_fails = true;
    CHECK(house.store(good).code == status::out_of_resources);
    house.spool.commit_fails = false;
    house.queue.room = error(Errc::queue_full);
    CHECK(house.store(good).comment == "Too much awaits delivery");
    house.queue.room = error(Errc::database);
    CHECK(house.store(good).comment == "Queue unavailable");
    CHECK(house.queue.enqueued.empty());
    house.queue.room = {};
    CHECK(house.store(good).code == status::success);
}

TEST_CASE("a command that cannot be stored is refused before its data set")
{
    House house;
    house.request.sop.sop_class = uid("1.2.840.10008.5.1.4.1.2.2.1");
    CHECK(house.store("").code == status::sop_class_not_supported);
    house.request.sop.sop_class = uid(ct);
    house.request.sop.sop_instance = {};
    CHECK(house.store("").code == status::invalid_sop_instance);
    house.peer.calling = ae("ECHO");
    CHECK(house.store("").code == status::not_authorised);
}

TEST_CASE("the structure of a private transfer syntax may be explicit or implicit VR")
{
    House house;
    house.request.transfer_syntax = uid("1.2.840.113619.5.2");
    CHECK(house.store(data_set(ct, "1.2.3.4", "1.2.3", "1.2.3.1")).code == status::success);
    const auto implicit = [](std::uint16_t group, std::uint16_t number, const std::string& value) {
        std::string out = element(group, number, "UI", value);
        const char length = out[6];
        out.replace(4, 4, {length, '\0', '\0', '\0'});
        return out;
    };
    const std::string sent = implicit(0x0008, 0x0016, ct) + implicit(0x0008, 0x0018, "1.2.3.4") +
                             implicit(0x0020, 0x000d, "1.2.3") +
                             implicit(0x0020, 0x000e, "1.2.3.1");
    CHECK(house.store(sent).code == status::success);
}
