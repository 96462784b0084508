#include "mapping/character_set.h"

#include "mapping/dicom_text.h"
#include "mapping/elements.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>
#include <dcmtk/dcmdata/dcelem.h>
#include <dcmtk/dcmdata/dcsequen.h>

#include <algorithm>

namespace gantry::mapping {

namespace {

constexpr std::string_view replacement = "\xef\xbf\xbd"; // U+FFFD

/// PS3.5 6.1.2.3.
bool follows_character_set(Vr vr)
{
    constexpr Vr text[] = {
        make_vr('L', 'O'),
        make_vr('L', 'T'),
        make_vr('P', 'N'),
        make_vr('S', 'H'),
        make_vr('S', 'T'),
        make_vr('U', 'C'),
        make_vr('U', 'T')
    };
    return std::ranges::find(text, vr) != std::end(text);
}

bool is_ascii(std::string_view text)
{
    constexpr char escape = 0x1b;
    return std::ranges::all_of(text, [](char c) {
        return static_cast<unsigned char>(c) < 0x80 && c != escape;
    });
}

void put(DcmElement& element, const std::string& text)
{
    (void)element.putOFStringArray(OFString(text.data(), text.size()));
}

std::string raw_of(DcmElement& element)
{
    OFString text;
    (void)element.getOFStringArray(text, OFFalse);
    return {text.data(), text.size()};
}

struct Text {
    DcmElement* element;
    Vr vr;
    std::string value;
};

/// Every text element that is more than ASCII, in the items too.
template <class Visit, class Enter>
void visit_text(DcmItem& item, const Visit& visit, const Enter& enter)
{
    for (DcmObject* next = nullptr; (next = item.nextInContainer(next)) != nullptr;) {
        auto& element = dynamic_cast<DcmElement&>(*next);
        if (element.ident() == EVR_SQ) {
            auto& sequence = dynamic_cast<DcmSequenceOfItems&>(element);
            for (unsigned long k = 0; k < sequence.card(); ++k)
                enter(*sequence.getItem(k));
        } else if (const Vr vr = vr_of(element); follows_character_set(vr)) {
            std::string value = raw_of(element);
            if (!is_ascii(value))
                visit(Text{&element, vr, std::move(value)});
        }
    }
}

struct Decoding {
    std::size_t unreadable = 0;
    bool beyond_ascii = false;
};

void decode(DcmItem& item, const std::string& inherited, Decoding& done)
{
    // an item may have a set of its own (PS3.5 6.1.2.5)
    const std::string own = text_of(item, tag::specific_character_set);
    const std::string& declared = own.empty() ? inherited : own;
    TextDecoder decoder(declared);
    const auto take = [&](const Text& text) {
        std::string utf8;
        bool first = true;
        for (const std::string& value : decoder.values(text.vr, text.value)) {
            utf8 += (first ? "" : "\\") + value;
            first = false;
        }
        done.beyond_ascii = done.beyond_ascii || !is_ascii(utf8);
        done.unreadable += utf8.find(replacement) != std::string::npos ? 1U : 0U;
        put(*text.element, utf8);
    };
    visit_text(item, take, [&](DcmItem& inner) { decode(inner, declared, done); });
    (void)item.findAndDeleteElement(DcmTagKey(0x0008, 0x0005));
}

void collect(DcmItem& item, std::vector<Text>& out)
{
    const auto take = [&](Text text) { out.push_back(std::move(text)); };
    visit_text(item, take, [&](DcmItem& inner) { collect(inner, out); });
    (void)item.findAndDeleteElement(DcmTagKey(0x0008, 0x0005));
}

/// Every value in that set; nothing where one does not fit.
std::vector<std::string> encoded(TextEncoder& set, const std::vector<Text>& texts)
{
    std::vector<std::string> out;
    for (const Text& text : texts) {
        auto value = set.encode(text.vr, text.value);
        if (!value)
            return {};
        out.push_back(std::move(*value));
    }
    return out;
}

} // namespace

std::string character_set_of(DcmDataset& data_set)
{
    return text_of(data_set, tag::specific_character_set);
}

std::size_t decode_text(DcmDataset& data_set, std::string_view undeclared)
{
    Decoding done;
    decode(data_set, std::string(undeclared), done);
    if (done.beyond_ascii)
        put_text(data_set, tag::specific_character_set, "ISO_IR 192");
    return done.unreadable;
}

DataSetEncoder::DataSetEncoder(const std::vector<std::string>& wanted)
{
    for (const std::string& each : wanted)
        if (TextEncoder encoder(each); encoder.known())
            sets_.push_back(std::move(encoder));
    if (sets_.empty())
        sets_.emplace_back("");
}

Encoded DataSetEncoder::encode(DcmDataset& data_set)
{
    std::vector<Text> texts;
    collect(data_set, texts);
    if (texts.empty())
        return {};
    Encoded out;
    std::vector<std::string> values;
    const auto fits = std::ranges::find_if(sets_, [&](TextEncoder& set) {
        values = encoded(set, texts);
        return !values.empty();
    });
    if (fits != sets_.end())
        out.character_set = fits->character_set();
    for (std::size_t i = 0; i < texts.size(); ++i) {
        if (fits == sets_.end())
            values.push_back(sets_.front().encode_lossy(texts[i].vr, texts[i].value, out.replaced));
        put(*texts[i].element, values[i]);
    }
    if (fits == sets_.end() && !std::ranges::all_of(values, is_ascii))
        out.character_set = sets_.front().character_set();
    if (!out.character_set.empty())
        put_text(data_set, tag::specific_character_set, out.character_set);
    return out;
}

} // namespace gantry::mapping
