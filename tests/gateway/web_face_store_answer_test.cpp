// The answer of STOW-RS where it waits for the origins, and in XML.
#include "gateway/faces/web_intake.h"
#include "mapping/stow_outcome.h"

#include <doctest/doctest.h>

#include "tests/gateway/web_face_support.h"

using namespace gantry;
using namespace gantry::tests;

namespace {

using Kind = StoreOutcome::Kind;

class Writer final : public faces::IntakeWriter {
public:
    Result<void> write(ConstBytes) override { return {}; }

    Result<void> seal(InstanceKey) override { return {}; }
};

/// Takes everything into custody; what becomes of it is written down.
class Queued final : public faces::Intake {
public:
    explicit Queued(std::vector<StoreOutcome> outcomes) : outcomes_(std::move(outcomes)) {}

    Result<void> admit() const override { return {}; }

    Result<std::unique_ptr<faces::IntakeWriter>>
    begin(const mapping::FileHead&, const std::string&) override
    {
        return std::make_unique<Writer>();
    }

    const Origin* readable_from() const override { return nullptr; }

    asio::awaitable<std::vector<faces::Committed>>
    commit(std::vector<std::unique_ptr<faces::IntakeWriter>> writers) override
    {
        std::vector<faces::Committed> out;
        for (std::size_t i = 0; i < writers.size(); ++i)
            out.push_back({{Kind::stored, 0, "in custody", {}}, ++last_});
        co_return out;
    }

    asio::awaitable<std::vector<StoreOutcome>> delivered(std::vector<custody::ReceiptId> receipts
    ) override
    {
        asked = receipts;
        std::vector<StoreOutcome> out;
        for (const auto receipt : receipts)
            out.push_back(outcomes_.at(receipt - 1));
        co_return out;
    }

    std::vector<custody::ReceiptId> asked;

private:
    std::vector<StoreOutcome> outcomes_;
    custody::ReceiptId last_ = 0;
};

StoreOutcome became(Kind kind, std::uint16_t reason = 0)
{
    return {kind, reason, "", {}};
}

std::unique_ptr<FakeResponse> answer_of(std::vector<StoreOutcome> outcomes)
{
    OpenFace face;
    Queued intake(outcomes);
    face.serve({&intake, nullptr, nullptr});
    std::vector<std::string> parts;
    for (unsigned n = 1; n <= outcomes.size(); ++n)
        parts.push_back(make_instance({1, 1, n}).file());
    auto answer = face.stow(parts);
    CHECK(intake.asked.size() == outcomes.size());
    return answer;
}

constexpr const char* warning = "/00081199/Value/0/00081196/Value/0";
constexpr const char* failure = "/00081198/Value/0/00081197/Value/0";

} // namespace

TEST_CASE("an answer that waits holds what the origin said of each instance")
{
    struct Row {
        const char* says;
        StoreOutcome outcome;
        unsigned status;
        const char* where;
        const char* reason;
    };

    const Row rows[] = {
        {"delivered", became(Kind::stored), 200, warning, "-"},
        {"there already", became(Kind::already_there), 200, warning, "-"},
        {"coerced", became(Kind::stored_changed, 0xb000), 202, warning, "45056"},
        {"refused", became(Kind::refused, 0xa900), 409, failure, "43264"},
        {"class not taken", became(Kind::refused, 0x0122), 409, failure, "290"},
        {"syntax not taken", became(Kind::refused, 0xc122), 409, failure, "49442"},
        {"refused without a reason", became(Kind::refused), 409, failure, "272"},
        {"another of its UID", became(Kind::conflict, 0x0111), 409, failure, "273"},
        {"our copy damaged", became(Kind::damaged, 0xa700), 503, failure, "42752"},
        {"not yet", became(Kind::transient), 202, warning, "45296"},
        {"not yet for want of space there", became(Kind::transient, 0xa700), 202, warning, "45296"},
        {"origin down", became(Kind::unavailable), 202, warning, "45296"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        const auto answer = answer_of({row.outcome});
        CHECK(answer->status() == row.status);
        CHECK(at(answer->body, row.where) == row.reason);
        const bool waits = std::string_view(row.reason) == "45296";
        CHECK(answer->field("Warning").starts_with("299 gantry ") == waits);
    }
}

TEST_CASE("each instance has its own outcome in one answer")
{
    const auto answer =
        answer_of({became(Kind::stored), became(Kind::refused, 0x0122), became(Kind::transient)});
    CHECK(answer->status() == 202);
    CHECK(size_at(answer->body, "/00081199/Value") == 2);
    CHECK(at(answer->body, "/00081198/Value/0/00081155/Value/0") == "1.2.1.1.2");
    CHECK(at(answer->body, "/00081199/Value/1/00081196/Value/0") == "45296");
    CHECK(answer->field("Warning").find("1 of the instances") != std::string::npos);
}

TEST_CASE("a report in XML says what it says in JSON")
{
    OpenFace face;
    Ask ask;
    ask.fields = {{"Accept", "application/dicom+xml"}};
    const Instance instance = make_instance({});
    const auto answer = face.stow({instance.file(), "garbage"}, ask);
    CHECK(answer->status() == 202);
    CHECK(answer->field("Content-Type") == "application/dicom+xml");
    const auto report = mapping::read_stow_report("application/dicom+xml", answer->body);
    REQUIRE(report.has_value());
    REQUIRE(report->instances.size() == 1);
    CHECK(report->instances[0].sop.sop_instance == instance.key.sop.sop_instance);
    CHECK(report->instances[0].stored());
    CHECK(report->other_failures == std::vector<std::uint16_t>{0xc000});
    CHECK(report->retrieve_url == "http://pacs.test:8080/dicom-web/studies/1.2.1");
}
