#include "gateway/origins/dimse_verify.h"

#include "gateway/error.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>
#include <dcmtk/dcmdata/dcdeftag.h>

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

namespace gantry {

namespace {

using Series = std::pair<Uid, Uid>; // study, series

Uid uid_of(DcmDataset& match, const DcmTagKey& tag)
{
    OFString text;
    if (match.findAndGetOFString(tag, text).bad())
        return {};
    return Uid::parse(std::string_view(text.c_str(), text.size())).value_or(Uid{});
}

/// Those of one series.
class Present final : public FindSink {
public:
    Present(Series series, std::vector<bool>& out) : series_(std::move(series)), out_(out) {}

    void look_for(const SopReference& sop, std::size_t at)
    {
        places_[sop.sop_instance].emplace_back(sop.sop_class, at);
    }

    asio::awaitable<Result<void>> match(std::unique_ptr<DcmDataset> attributes) override
    {
        const auto same = [&](const DcmTagKey& tag, const Uid& uid) {
            const Uid said = uid_of(*attributes, tag);
            return said.empty() || said == uid;
        };
        const auto found = places_.find(uid_of(*attributes, DCM_SOPInstanceUID));
        if (found != places_.end() && same(DCM_StudyInstanceUID, series_.first) &&
            same(DCM_SeriesInstanceUID, series_.second))
            for (const auto& [sop_class, at] : found->second)
                out_[at] = out_[at] || sop_class.empty() || same(DCM_SOPClassUID, sop_class);
        co_return Result<void>{};
    }

    FindQuestion question() const
    {
        auto keys = std::make_shared<DcmDataset>();
        const auto put = [&](const DcmTagKey& tag, const std::string& value) {
            (void)keys->putAndInsertString(tag, value.c_str());
        };
        put(DCM_StudyInstanceUID, series_.first.str());
        put(DCM_SeriesInstanceUID, series_.second.str());
        put(DCM_SOPInstanceUID, places_.size() == 1 ? places_.begin()->first.str() : "");
        put(DCM_SOPClassUID, "");
        FindQuestion out;
        out.level = QueryLevel::image;
        out.keys = std::move(keys);
        return out;
    }

private:
    Series series_;
    std::vector<bool>& out_;
    std::unordered_map<Uid, std::vector<std::pair<Uid, std::size_t>>> places_;
};

} // namespace

asio::awaitable<Result<std::vector<bool>>>
verify_by_find(AskFind find, std::vector<InstanceKey> instances)
{
    std::vector<bool> there(instances.size(), false);
    std::map<Series, Present> all;
    for (std::size_t i = 0; i < instances.size(); ++i) {
        const Series series{instances[i].study, instances[i].series};
        all.try_emplace(series, series, there).first->second.look_for(instances[i].sop, i);
    }
    for (auto& [series, present] : all) {
        FindQuestion question = present.question();
        const FindEnd end = co_await find(std::move(question), present);
        if (!end.complete)
            co_return error(Errc::unavailable, end.reason);
    }
    co_return there;
}

} // namespace gantry
