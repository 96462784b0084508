#include "tests/gateway/dimse_origin_support.h"

#include <doctest/doctest.h>

#include <cstring>
#include <utility>

namespace gantry::tests {

namespace {

faces::DimseFaceOptions face_options()
{
    faces::DimseFaceOptions options;
    options.ae_title = AeTitle::parse("GANTRY").value();
    options.taken_as_is = [](const Uid&) { return true; };
    return options;
}

DimseOriginOptions with_memory(DimseOriginOptions options, std::shared_ptr<MemoryBudget> memory)
{
    options.memory = std::move(memory);
    return options;
}

PacsScript moving_to(PacsScript script, std::uint16_t port)
{
    script.retrieve.destinations.emplace("GANTRY", port);
    return script;
}

} // namespace

asio::awaitable<Result<void>> TakingSink::expect(std::vector<InstanceKey> instances)
{
    expected = std::move(instances);
    co_return Result<void>{};
}

std::optional<std::vector<Uid>> TakingSink::acceptable(const Uid& sop_class) const
{
    return accepts ? accepts(sop_class) : std::nullopt;
}

asio::awaitable<Result<void>> TakingSink::instance(std::unique_ptr<InstanceContent> content)
{
    if (pauses)
        co_await pauses();
    if (refuses)
        if (auto refused = refuses(content->key()); !refused)
            co_return refused;
    const std::string name = content->key().sop.sop_instance.str();
    std::string bytes;
    for (;;) {
        const auto piece = co_await content->read();
        if (!piece)
            co_return piece.error();
        if (piece->empty())
            break;
        bytes.append(reinterpret_cast<const char*>(piece->data()), piece->size());
    }
    twice = twice || data_sets.contains(name);
    keys[name] = content->key();
    data_sets[name] = std::move(bytes);
    co_return Result<void>{};
}

Names TakingSink::received() const
{
    Names out;
    for (const auto& [name, bytes] : data_sets)
        out.insert(name);
    return out;
}

RetrieveQuestion of_study(const std::string& study)
{
    RetrieveQuestion question;
    question.level = QueryLevel::study;
    question.studies = {uid(study)};
    return question;
}

RetrieveQuestion of_series(const std::string& series, const std::string& study)
{
    RetrieveQuestion question = of_study(study);
    question.level = QueryLevel::series;
    question.series = {uid(series)};
    return question;
}

RetrieveQuestion of_instances(
    std::vector<std::string> instances, const std::string& series, const std::string& study
)
{
    RetrieveQuestion question = of_series(series, study);
    question.level = QueryLevel::image;
    for (const std::string& instance : instances)
        question.instances.push_back(uid(instance));
    return question;
}

Names missing_of(const RetrieveEnd& end)
{
    Names out;
    for (const SopReference& sop : end.missing)
        out.insert(sop.sop_instance.str());
    return out;
}

MoveTarget::MoveTarget() : face(face_options(), spool, queue), acceptor(face)
{
    face.receive_moves(arrivals);
}

OriginSettings::OriginSettings()
{
    using std::chrono::milliseconds;
    origin.ae_title = AeTitle::parse("PACS").value();
    origin.own_ae_title = AeTitle::parse("GANTRY").value();
    origin.last_store_grace = milliseconds(300);
    requestor.calling_ae_title = origin.own_ae_title;
    requestor.timeouts.dimse = milliseconds(2'000);
    requestor.timeouts.cancel = milliseconds(300);
}

DimseHouse::DimseHouse(PacsScript script, OriginSettings settings)
    : pacs(moving_to(std::move(script), here.acceptor.port())),
      requestor(pacs.address(), settings.requestor, outbound),
      origin(
          "pacs",
          with_memory(std::move(settings.origin), memory),
          {requestor, here.arrivals, disk, transcoders, scratch.path()}
      )
{
}

DimseHouse::DimseHouse(PacsScript script, OriginSettings settings, dimse::PeerAddress address)
    : pacs(std::move(script)),
      requestor(std::move(address), settings.requestor, outbound),
      origin(
          "pacs",
          with_memory(std::move(settings.origin), memory),
          {requestor, here.arrivals, disk, transcoders, scratch.path()}
      )
{
}

void DimseHouse::holds(unsigned series, unsigned count, std::size_t pixel_bytes)
{
    const std::string in = "1.2.3." + std::to_string(series);
    for (unsigned i = 1; i <= count; ++i) {
        auto instance = pacs_instance("1.2.3", in, in + "." + std::to_string(i), pixel_bytes);
        held[instance.sop_instance] = instance.data_set;
        pacs.hold(std::move(instance));
    }
}

RetrieveEnd DimseHouse::retrieve(RetrieveQuestion question, TakingSink& into)
{
    return here.loop.run(origin.retrieve(std::move(question), into));
}

RetrieveEnd DimseHouse::retrieve(RetrieveQuestion question)
{
    sink.data_sets.clear();
    sink.keys.clear();
    return retrieve(std::move(question), sink);
}

bool DimseHouse::same(const TakingSink& into) const
{
    for (const auto& [name, bytes] : into.data_sets) {
        const auto found = held.find(name);
        if (found == held.end() || found->second.size() != bytes.size() ||
            std::memcmp(found->second.data(), bytes.data(), bytes.size()) != 0)
            return false;
    }
    return true;
}

Names numbered(unsigned series, unsigned count)
{
    Names out;
    for (unsigned i = 1; i <= count; ++i)
        out.insert("1.2.3." + std::to_string(series) + "." + std::to_string(i));
    return out;
}

/// After whatever happened, all works again.
void check_next_works(DimseHouse& house)
{
    house.pacs.change([](PacsScript& script) {
        const auto destinations = script.retrieve.destinations;
        script.retrieve = {};
        script.retrieve.destinations = destinations;
        script.instead = {};
        script.syntaxes = {};
    });
    const auto end = house.retrieve();
    CHECK(end.complete);
    CHECK(house.same(house.sink));
    CHECK(house.sink.data_sets.size() == house.held.size());
    CHECK(house.memory->taken().count == 0);
}

} // namespace gantry::tests
