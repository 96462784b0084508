#include "gateway/faces/web_results.h"

#include "gateway/error.h"
#include "gateway/faces/web_common.h"
#include "mapping/dicom_json.h"
#include "mapping/elements.h"
#include "mapping/native_xml_writer.h"
#include "mapping/query_attributes.h"
#include "mapping/query_keys.h"
#include "web/multipart.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>
#include <dcmtk/dcmdata/dctag.h>
#include <dcmtk/dcmdata/dcvr.h>

#include <algorithm>
#include <span>
#include <utility>

namespace gantry::faces {

namespace {

// Until then the status can still be another one.
constexpr std::size_t held_back = 1U << 20U;
constexpr std::chrono::milliseconds held_back_for{1'000}; // of an origin that takes its time
constexpr std::size_t chunk = 64U << 10U;

void remove(DcmItem& item, Tag tag)
{
    (void)item.findAndDeleteElement(DcmTagKey(tag.group, tag.element));
}

void put_empty(DcmItem& item, Tag tag)
{
    if (mapping::find_element(item, tag) == nullptr)
        (void)item.insertEmptyElement(DcmTag(tag.group, tag.element));
}

Uid uid_of(DcmItem& item, Tag tag)
{
    return Uid::parse(mapping::text_of(item, tag)).value_or(Uid{});
}

void put_retrieve_url(DcmDataset& match, const std::string& service, QueryLevel level)
{
    InstanceKey key;
    key.study = uid_of(match, tag::study_instance_uid);
    key.series = uid_of(match, tag::series_instance_uid);
    key.sop.sop_instance = uid_of(match, tag::sop_instance_uid);
    const DcmTag retrieve_url(0x0008, 0x1190, DcmVR(EVR_UR));
    const std::string url = resource_url(service, key, level);
    (void)match.putAndInsertString(retrieve_url, url.c_str());
}

/// The keys of a question with what includefield=all stands for, and the unique keys.
mapping::FindIdentifier keys_of(const FindQuestion& question)
{
    auto keys = std::make_shared<DcmDataset>(*question.keys);
    remove(*keys, mapping::key::retrieve_url); // is made here
    for (const mapping::UniqueKey& unique : mapping::unique_keys)
        if (unique.level != QueryLevel::patient && unique.level <= question.level)
            put_empty(*keys, unique.tag);
    mapping::FindIdentifier out;
    out.level = question.level;
    out.relational = question.relational;
    out.keys = std::move(keys);
    return out;
}

} // namespace

WebResults::WebResults(
    SearchQuestion question, bool exact, ResultForm form, ResultLinks links, web::Response& response
)
    : question_(std::move(question)),
      exact_(exact),
      form_(std::move(form)),
      links_(std::move(links)),
      response_(response)
{
    DcmDataset keys(*question_.question.keys);
    for (unsigned long i = 0; exact_ && i < keys.card(); ++i) {
        const Tag tag = mapping::tag_of(*keys.getElement(i));
        if (tag != tag::specific_character_set && mapping::has_content(keys, tag))
            valued_.push_back(tag);
    }
}

FindQuestion WebResults::asked() const
{
    FindQuestion out = question_.question;
    if (exact_)
        return out;
    out.limit.reset();
    out.offset = 0;
    return out;
}

void WebResults::warn(std::string text)
{
    warnings_.push_back(std::move(text));
}

/// Null: a key keeps it out.
std::unique_ptr<DcmDataset> WebResults::matched(std::unique_ptr<DcmDataset> match)
{
    const FindQuestion& question = question_.question;
    if (exact_) {
        const auto lacks = [&](Tag tag) { return mapping::find_element(*match, tag) == nullptr; };
        unmatched_ = unmatched_ || std::ranges::any_of(valued_, lacks);
        return match;
    }
    if (!filter_) // now it is known who matches names
        filter_.emplace(
            keys_of(question), mapping::MatchingRules{question.combined_date_time, fuzzy_, false}
        );
    const bool utf8 = mapping::has_content(*match, tag::specific_character_set);
    auto answer = filter_->answer(*match);
    if (!answer)
        return nullptr;
    unmatched_ = unmatched_ || !answer->all_keys_supported;
    if (question.all_fields)
        mapping::fill_from(*answer->identifier, *match);
    if (utf8)
        mapping::put_text(*answer->identifier, tag::specific_character_set, "ISO_IR 192");
    return std::move(answer->identifier);
}

asio::awaitable<Result<void>> WebResults::match(std::unique_ptr<DcmDataset> attributes)
{
    const FindQuestion& question = question_.question;
    if (mapping::text_of(*attributes, mapping::unique_key(question.level)).empty())
        co_return error(Errc::invalid, "a match without its unique key");
    const auto result = matched(std::move(attributes));
    if (!result)
        co_return Result<void>{};
    if (!exact_ && skipped_ < question.offset) {
        ++skipped_;
        co_return Result<void>{};
    }
    enough_ = !exact_ && question.limit && sent_ == *question.limit;
    if (enough_)
        co_return error(Errc::unsupported, "more matches than are wanted");
    if (auto added = add(*result); !added)
        co_return added;
    const auto now = std::chrono::steady_clock::now();
    if (sent_ == 1)
        first_ = now;
    const bool hold = response_.begun() ? text_.size() < chunk
                                        : text_.size() < held_back && now - first_ < held_back_for;
    if (hold)
        co_return Result<void>{};
    if (!response_.begun())
        if (const auto begun = co_await response_.begin(head(), std::nullopt); !begun)
            co_return begun.error();
    co_return co_await flush();
}

/// Appends one result in its form.
Result<void> WebResults::add(DcmDataset& match)
{
    remove(match, mapping::key::query_retrieve_level);
    for (const Tag tag : question_.returned.always)
        put_empty(match, tag);
    for (const Tag tag : question_.returned.when_known)
        if (!mapping::has_content(match, tag))
            remove(match, tag);
    if (links_.retrieve)
        put_retrieve_url(match, links_.service, question_.question.level);
    const bool first = sent_++ == 0;
    if (!form_.xml) {
        text_ += first ? "[" : ",\n";
        return mapping::write_dicom_json(match, text_);
    }
    web::Fields fields;
    fields.add("Content-Type", "application/dicom+xml");
    text_ += web::part_head(form_.boundary, fields, first);
    return mapping::write_native_xml(match, text_);
}

asio::awaitable<Result<void>> WebResults::flush()
{
    const auto bytes = std::as_bytes(std::span(text_));
    const auto written = co_await response_.write(bytes);
    text_.clear();
    co_return written;
}

/// With the warnings that are known by now; the texts are the standard's (PS3.18 8.3.4, 10.6.3).
web::ResponseHead WebResults::head() const
{
    web::ResponseHead head;
    head.fields.add("Content-Type", form_.content_type);
    head.fields.add("Cache-Control", "private, no-cache");
    const auto warn = [&](const std::string& text) {
        head.fields.add("Warning", "299 " + links_.service + ": " + text);
    };
    if (question_.question.fuzzy && !fuzzy_)
        warn("The fuzzymatching parameter is not supported. Only literal matching has been "
             "performed.");
    for (const std::string& text : warnings_)
        warn(text);
    if (unmatched_)
        warn("The archive does not return every attribute that was to be matched. These "
             "parameters may not have been applied.");
    return head;
}

FindEnd WebResults::settled(FindEnd end) const
{
    if (!enough_)
        return end;
    FindEnd out;
    out.complete = true;
    out.more = true;
    return out;
}

asio::awaitable<Result<void>> WebResults::finish(const FindEnd& end)
{
    if (form_.xml)
        text_ += sent_ == 0 ? std::string() : web::closing_delimiter(form_.boundary);
    else
        text_ += sent_ == 0 ? "[]" : "]";
    if (response_.begun()) {
        if (const auto flushed = co_await flush(); !flushed)
            co_return flushed;
        co_return co_await response_.finish();
    }
    web::ResponseHead last = head();
    const std::string there_are = "299 " + links_.service + ": There are ";
    const std::string additional = "additional results that can be requested";
    if (end.remaining && *end.remaining > 0)
        last.fields.add("Warning", there_are + std::to_string(*end.remaining) + " " + additional);
    else if (end.more)
        last.fields.add("Warning", there_are + additional);
    if (form_.xml && sent_ == 0) { // there is no multipart without parts (RFC 2046 5.1.1)
        web::ResponseHead none;
        none.status = 204;
        for (const auto& [name, value] : last.fields)
            if (name != "Content-Type")
                none.fields.add(name, value);
        co_return co_await response_.send(std::move(none), {});
    }
    auto text = std::exchange(text_, {});
    co_return co_await response_.send(std::move(last), std::move(text));
}

} // namespace gantry::faces
