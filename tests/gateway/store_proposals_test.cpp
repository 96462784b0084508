#include "gateway/origins/store_proposals.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

using namespace gantry;

namespace {

Uid uid(const std::string& text)
{
    return text.empty() ? Uid{} : Uid::parse(text).value();
}

InstanceKey stored(const std::string& sop_class, const std::string& syntax)
{
    return {uid("1.2"), uid("1.3"), {uid(sop_class), uid("1.4")}, uid(syntax)};
}

constexpr const char* explicit_le = "1.2.840.10008.1.2.1";
constexpr const char* implicit_le = "1.2.840.10008.1.2";
constexpr const char* jpeg_2000 = "1.2.840.10008.1.2.4.90";
constexpr const char* jpeg_lossless = "1.2.840.10008.1.2.4.70";
constexpr const char* video = "1.2.840.10008.1.2.4.102";

} // namespace

TEST_CASE("each syntax that is stored gets a context, and each native one (PS3.8 9.3.2.2)")
{
    struct Row {
        const char* says;
        std::vector<std::string> stored;
        std::vector<std::string> taken;
        std::vector<std::string> proposed;
    };

    const Row rows[] = {
        {"native", {explicit_le}, {}, {explicit_le, implicit_le}},
        {"implicit", {implicit_le}, {}, {implicit_le, explicit_le}},
        {"compressed", {jpeg_2000}, {}, {jpeg_2000, explicit_le, implicit_le}},
        {"video", {video, explicit_le}, {}, {explicit_le, video, implicit_le}},
        {"what the peer is configured for", {jpeg_2000}, {jpeg_lossless, implicit_le}, {implicit_le}
        },
        {"a peer that takes compressed only",
         {explicit_le},
         {jpeg_lossless, jpeg_2000},
         {jpeg_lossless, jpeg_2000}},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        std::vector<InstanceKey> instances;
        for (const std::string& syntax : row.stored) {
            instances.push_back(stored("1.2.3.4", syntax));
            instances.push_back(stored("1.2.3.4", syntax));
        }
        std::vector<Uid> taken;
        for (const std::string& syntax : row.taken)
            taken.push_back(uid(syntax));
        const auto batches = store_proposals(instances, taken);
        REQUIRE(batches.size() == 1);
        std::multiset<std::string> proposed;
        for (const auto& context : batches[0]) {
            CHECK(context.abstract_syntax == uid("1.2.3.4"));
            CHECK(context.transfer_syntaxes.size() == 1);
            CHECK(context.scu_role);
            CHECK_FALSE(context.scp_role);
            proposed.insert(context.transfer_syntaxes.front().str());
        }
        CHECK(proposed == std::multiset<std::string>(row.proposed.begin(), row.proposed.end()));
    }
}

TEST_CASE("where nobody knows how it is stored the usual syntaxes are proposed")
{
    const std::vector<InstanceKey> instances{stored("1.2.3.4", "")};
    const auto batches = store_proposals(instances, {});
    REQUIRE(batches.size() == 1);
    CHECK(batches[0].size() > 5);
    CHECK(store_proposals(std::vector<InstanceKey>{stored("", "")}, {}).empty());
}

TEST_CASE("more contexts than fit on one association go on the next, a class on one of them")
{
    std::vector<InstanceKey> instances;
    for (int i = 1; i <= 100; ++i)
        instances.push_back(stored("1.2.3." + std::to_string(i), jpeg_2000));
    const auto batches = store_proposals(instances, {});
    REQUIRE(batches.size() == 3);
    std::set<std::string> seen;
    for (const auto& batch : batches) {
        CHECK(batch.size() <= most_contexts);
        std::set<std::string> classes;
        for (std::size_t i = 0; i < batch.size(); ++i) {
            CHECK(batch[i].id == 2 * i + 1);
            classes.insert(batch[i].abstract_syntax.str());
        }
        for (const std::string& sop_class : classes)
            CHECK(seen.insert(sop_class).second);
    }
    CHECK(seen.size() == 100);
}
