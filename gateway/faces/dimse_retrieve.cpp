#include "gateway/faces/dimse_retrieve.h"

#include "gateway/faces/retrieve_job.h"
#include "mapping/character_set.h"
#include "mapping/identifier.h"
#include "mapping/retrieve_status.h"

#include <spdlog/spdlog.h>

#include <utility>

namespace gantry::faces {

using mapping::retrieve_status;
using mapping::RetrieveFailure;

namespace {

asio::awaitable<Result<std::unique_ptr<dimse::StoreAssociation>>> open_store(
    dimse::PeerAddress peer,
    dimse::RequestorOptions options,
    WorkerPool* pool,
    std::vector<dimse::ProposedContext> proposals
)
{
    dimse::Requestor requestor(std::move(peer), std::move(options), *pool);
    co_return co_await requestor.open_store(std::move(proposals));
}

mapping::Checked<RetrieveQuestion> question_of(const dimse::RetrieveRequest& request, bool lenient)
{
    if (!request.identifier)
        return DimseStatus{status::data_set_mismatch, "No Identifier"};
    DcmDataset identifier(*request.identifier);
    mapping::decode_text(identifier);
    mapping::IdentifierRules rules;
    rules.lenient = lenient;
    rules.relational = request.granted.relational;
    auto checked = mapping::check_retrieve_identifier(request.sop_class.str(), identifier, rules);
    if (!checked)
        return checked.error();
    RetrieveQuestion question;
    question.level = checked->level;
    question.patient_ids = std::move(checked->patient_ids);
    question.studies = std::move(checked->studies);
    question.series = std::move(checked->series);
    question.instances = std::move(checked->instances);
    return question;
}

dimse::RetrieveOutcome refused(DimseStatus status)
{
    dimse::RetrieveOutcome outcome;
    outcome.status = std::move(status);
    return outcome;
}

void log_start(const dimse::AssociationInfo& peer, const dimse::RetrieveRequest& request)
{
    spdlog::info(
        "retrieve begun assoc={} calling={} destination={}",
        peer.id,
        peer.calling.str(),
        request.move_destination ? request.move_destination->str() : "itself"
    );
}

void log_end(const dimse::AssociationInfo& peer, const dimse::RetrieveOutcome& outcome)
{
    spdlog::info(
        "retrieve ended assoc={} status={:04x} completed={} warning={} failed={} remaining={}",
        peer.id,
        outcome.status.code,
        outcome.counts.completed,
        outcome.counts.warning,
        outcome.counts.failed,
        outcome.counts.remaining
    );
}

} // namespace

OpenStore store_opener(dimse::RequestorOptions options, WorkerPool& pool)
{
    return [options = std::move(options),
            &pool](dimse::PeerAddress peer, std::vector<dimse::ProposedContext> proposals) {
        return open_store(std::move(peer), options, &pool, std::move(proposals));
    };
}

struct Retrieval::State {
    State(RetrievalOptions o, Means m)
        : options(std::move(o)), means(std::move(m)), at_origin(options.from_origin)
    {
        for (const auto& [ae_title, destination] : options.destinations)
            at_destination.try_emplace(ae_title, destination.max_associations);
    }

    RetrievalOptions options;
    Means means;
    Turns at_origin;
    std::unordered_map<AeTitle, Turns> at_destination;
};

Retrieval::Retrieval(RetrievalOptions options, Means means)
    : state_(std::make_unique<State>(std::move(options), std::move(means)))
{
}

Retrieval::~Retrieval() = default;

asio::awaitable<dimse::RetrieveOutcome> Retrieval::run(
    dimse::AssociationInfo peer,
    dimse::RetrieveRequest request,
    dimse::RetrieveSession& session // NOLINT: the association awaits us
)
{
    log_start(peer, request);
    auto question = question_of(request, state_->options.lenient);
    if (!question)
        co_return refused(question.error());
    RetrieveJob::Task task;
    if (request.move_destination) {
        const auto found = state_->options.destinations.find(*request.move_destination);
        if (found == state_->options.destinations.end())
            co_return refused(retrieve_status(RetrieveFailure::destination_unknown));
        task.route = route_to(found->second, state_->means.open_store);
        task.at_destination = &state_->at_destination.at(found->first);
    } else if (session.channel() != nullptr) {
        task.route = route_on(*session.channel());
    } else {
        co_return refused(retrieve_status(RetrieveFailure::internal));
    }
    task.peer = peer;
    task.request = std::move(request);
    task.question = std::move(*question);
    const auto job = std::make_shared<RetrieveJob>(
        state_->options, state_->means, state_->at_origin, std::move(task), session
    );
    dimse::RetrieveOutcome outcome = co_await job->run();
    log_end(peer, outcome);
    co_return outcome;
}

} // namespace gantry::faces
