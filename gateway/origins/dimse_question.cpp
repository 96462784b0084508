#include "gateway/origins/dimse_question.h"

#include "dimse/error.h"
#include "gateway/origins/dimse_origin.h"
#include "mapping/character_set.h"
#include "mapping/vocabulary/dimse_status.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>

#include <cstdio>
#include <string>

namespace gantry {

namespace {

constexpr std::string_view study_root_find = "1.2.840.10008.5.1.4.1.2.2.1";

FindEnd incomplete(Shortfall shortfall, std::string reason)
{
    FindEnd end;
    end.shortfall = shortfall;
    end.reason = std::move(reason);
    return end;
}

FindEnd complete()
{
    FindEnd end;
    end.complete = true;
    return end;
}

Shortfall shortfall_of(std::uint16_t code, bool any)
{
    if ((code & 0xff00U) == status::out_of_resources) // A7xx
        return any ? Shortfall::limit : Shortfall::unavailable;
    if (code == status::data_set_mismatch)
        return Shortfall::question;
    if (code == status::not_authorised)
        return Shortfall::unauthorised;
    return Shortfall::failed;
}

/// Decodes what comes, and remembers whether it was wanted.
class Decoder final : public dimse::MatchSink {
public:
    Decoder(FindSink& to, const std::string& undeclared) : to_(to), undeclared_(undeclared) {}

    asio::awaitable<Result<void>> push(std::unique_ptr<DcmDataset> match, bool) override
    {
        any = true;
        (void)mapping::decode_text(*match, undeclared_);
        auto taken = co_await to_.match(std::move(match));
        stopped = stopped || !taken;
        co_return taken;
    }

    bool any = false;
    bool stopped = false;

private:
    FindSink& to_;
    const std::string& undeclared_;
};

class Listing final : public FindSink {
public:
    explicit Listing(TakeMatch take) : take_(std::move(take)) {}

    asio::awaitable<Result<void>> match(std::unique_ptr<DcmDataset> attributes) override
    {
        co_return take_(std::move(attributes));
    }

private:
    TakeMatch take_;
};

} // namespace

FindEnd end_of_find(const DimseStatus& status, bool any)
{
    const StatusClass kind = status_class(status.code);
    if (kind == StatusClass::success)
        return complete();
    char code[8];
    (void)std::snprintf(code, sizeof code, "%04X", static_cast<unsigned>(status.code));
    return incomplete(
        shortfall_of(status.code, any), "C-FIND ended with status " + std::string(code)
    );
}

FindEnd end_of_find(const Error& why)
{
    const auto is = [&](dimse::Errc code) { return why.code == dimse::make_error_code(code); };
    std::string reason = why.text();
    if (is(dimse::Errc::timeout))
        return incomplete(Shortfall::timed_out, std::move(reason));
    // PS3.8 9.3.4: transient rejections, and titles that the PACS does not know
    const bool transient = reason.find("rejected transient") != std::string::npos;
    const bool stranger =
        reason.find("(1/1/3)") != std::string::npos || reason.find("(1/1/7)") != std::string::npos;
    if (is(dimse::Errc::rejected) && !transient)
        return incomplete(
            stranger ? Shortfall::unauthorised : Shortfall::failed, std::move(reason)
        );
    const bool later = is(dimse::Errc::rejected) || is(dimse::Errc::not_resolved) ||
                       is(dimse::Errc::not_connected) || is(dimse::Errc::busy) ||
                       is(dimse::Errc::stopped);
    return incomplete(later ? Shortfall::unavailable : Shortfall::failed, std::move(reason));
}

asio::awaitable<DimseAnswer> DimseQuestions::ask(
    std::shared_ptr<const DcmDataset> identifier,
    dimse::QueryOptions required,
    FindSink& matches // NOLINT: we are awaited
)
{
    DimseAnswer out;
    if (asked_ >= room_.options.max_questions) {
        out.end = incomplete(Shortfall::limit, "too many questions for one find");
        co_return out;
    }
    ++asked_;
    dimse::FindInquiry inquiry;
    inquiry.sop_class = Uid::parse(study_root_find).value();
    inquiry.identifier = std::move(identifier);
    inquiry.wanted = required;
    inquiry.required = required;
    Decoder decoder(matches, room_.options.character_set);
    const auto answer = co_await room_.requestor.find(std::move(inquiry), decoder);
    out.stopped = decoder.stopped;
    out.not_granted =
        !answer && answer.error().code == dimse::make_error_code(dimse::Errc::not_granted);
    out.refused = answer && status_class(answer->status.code) == StatusClass::failure;
    if (out.stopped)
        out.end = complete();
    else
        out.end = answer ? end_of_find(answer->status, decoder.any) : end_of_find(answer.error());
    co_return out;
}

asio::awaitable<DimseAnswer>
DimseQuestions::list(std::shared_ptr<const DcmDataset> identifier, TakeMatch take)
{
    Listing listing(std::move(take));
    co_return co_await ask(std::move(identifier), {}, listing);
}

} // namespace gantry
