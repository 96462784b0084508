#include "mapping/data_set_writer.h"

#include "mapping/element_writer.h"
#include "mapping/written_element.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcelem.h>
#include <dcmtk/dcmdata/dcitem.h>
#include <dcmtk/dcmdata/dcostrmb.h>
#include <dcmtk/dcmdata/dcsequen.h>
#include <dcmtk/dcmdata/dcwcache.h>

#include <numeric>

namespace gantry::mapping {

namespace {

constexpr std::uint32_t undefined = 0xffffffff;
constexpr Tag item_begins{0xfffe, 0xe000};
constexpr Tag item_ends{0xfffe, 0xe00d};
constexpr Tag sequence_ends{0xfffe, 0xe0dd};
constexpr std::byte text_padding{' '};

bool is_text(Vr vr)
{
    for (const char* name : {"LT", "ST", "UT", "UC", "UR", "IS", "DS"})
        if (vr == make_vr(name[0], name[1]))
            return true;
    return false;
}

class DataSetWriter {
public:
    DataSetWriter(const SuppliedValues& supplied, const SuppliedValue::Take& out)
        : supplied_(supplied), out_(out)
    {
    }

    Result<void> write(DcmItem& data_set)
    {
        if (const auto done = elements(data_set, {}, 0); !done)
            return done;
        return out_.flush();
    }

private:
    Result<void> elements(DcmItem& item, const std::string& path, unsigned depth)
    {
        if (depth > max_written_depth)
            return error(Errc::too_deep, "sequence");
        for (DcmObject* child = nullptr; (child = item.nextInContainer(child)) != nullptr;) {
            const Tag tag = tag_of_object(*child);
            if (is_left_out(tag))
                continue;
            auto& element = dynamic_cast<DcmElement&>(*child);
            const auto found = supplied_.find(path + tag.hex());
            auto* const sequence = dynamic_cast<DcmSequenceOfItems*>(child);
            Result<void> done;
            if (found != supplied_.end())
                done = value(element, item, found->second);
            else if (sequence != nullptr)
                done = items(*sequence, path + tag.hex() + '.', depth);
            else
                done = leaf(element);
            if (!done)
                return done;
            if (done = out_.settle(); !done)
                return done;
        }
        return {};
    }

    Result<void> items(DcmSequenceOfItems& sequence, const std::string& path, unsigned depth)
    {
        out_.header(tag_of_object(sequence), vr::sq, undefined);
        for (unsigned long i = 0; i < sequence.card(); ++i) {
            out_.header(item_begins, vr::none, undefined);
            DcmItem* const item = sequence.getItem(i);
            const std::string inner = path + std::to_string(i + 1) + '.';
            if (const auto done = elements(*item, inner, depth + 1); !done)
                return done;
            out_.header(item_ends, vr::none, 0);
        }
        out_.header(sequence_ends, vr::none, 0);
        return {};
    }

    /// As DCMTK writes it, its header included.
    Result<void> leaf(DcmElement& element)
    {
        constexpr E_TransferSyntax syntax = EXS_LittleEndianExplicit;
        constexpr std::uint32_t largest_header = 12;
        const std::size_t room = std::size_t{element.getLength(syntax)} + largest_header;
        written_.resize(room);
        DcmOutputBufferStream stream(written_.data(), static_cast<offile_off_t>(room));
        DcmWriteCache cache;
        element.transferInit();
        const OFCondition done = element.write(stream, syntax, EET_ExplicitLength, &cache);
        element.transferEnd();
        if (done.bad())
            return error(Errc::malformed, "element " + tag_of_object(element).hex());
        void* begin = nullptr;
        offile_off_t size = 0;
        stream.flushBuffer(begin, size);
        return out_.bytes(ConstBytes(written_).first(static_cast<std::size_t>(size)));
    }

    Result<void> value(DcmElement& element, DcmItem& item, const SuppliedValue& supplied)
    {
        const Tag tag = tag_of_object(element);
        if (supplied.encapsulated)
            return fragments(tag, supplied);
        const auto length =
            std::accumulate(supplied.pieces.begin(), supplied.pieces.end(), std::uint64_t{0});
        if (length >= undefined - 1)
            return error(Errc::too_large, "value of " + tag.hex());
        const Vr vr = native_vr(element, item, static_cast<std::uint32_t>(length));
        const bool odd = length % 2 != 0;
        out_.header(tag, vr, static_cast<std::uint32_t>(length + (odd ? 1 : 0)));
        for (std::size_t i = 0; i < supplied.pieces.size(); ++i)
            if (const auto done = piece(supplied, i); !done)
                return done;
        const std::byte pad = is_text(vr) ? text_padding : std::byte{};
        return out_.bytes(ConstBytes(&pad, odd ? 1 : 0));
    }

    /// PS3.5 A.2, and 6.2.2 for what its VR has no room for.
    static Vr native_vr(DcmElement& element, DcmItem& item, std::uint32_t length)
    {
        Uint16 bits = 0;
        if (tag_of_object(element) == tag::pixel_data) {
            const bool bytes = item.findAndGetUint16(DCM_BitsAllocated, bits).good() && bits <= 8;
            return bytes && element.getVR() != EVR_OW ? vr::ob : vr::ow;
        }
        const Vr vr = written_vr(element, has_signed_pixels(item, false));
        return length > 0xfffe && !has_long_form(vr) ? vr::un : vr;
    }

    Result<void> fragments(Tag tag, const SuppliedValue& supplied)
    {
        out_.header(tag, vr::ob, undefined);
        out_.header(item_begins, vr::none, 0); // an offset table may be empty (PS3.5 A.4)
        for (std::size_t i = 0; i < supplied.pieces.size(); ++i) {
            const std::uint64_t length = supplied.pieces[i];
            if (length >= undefined - 1)
                return error(Errc::too_large, "a frame");
            const bool odd = length % 2 != 0;
            out_.header(item_begins, vr::none, static_cast<std::uint32_t>(length + (odd ? 1 : 0)));
            if (const auto done = piece(supplied, i); !done)
                return done;
            constexpr std::byte pad{};
            if (const auto done = out_.bytes(ConstBytes(&pad, odd ? 1 : 0)); !done)
                return done;
        }
        out_.header(sequence_ends, vr::none, 0);
        return {};
    }

    /// No other number of bytes than promised goes out.
    Result<void> piece(const SuppliedValue& supplied, std::size_t i)
    {
        std::uint64_t left = supplied.pieces[i];
        const auto take = [&](ConstBytes bytes) -> Result<void> {
            if (bytes.size() > left)
                return error(Errc::malformed, "a value longer than promised");
            left -= bytes.size();
            return out_.bytes(bytes);
        };
        if (const auto given = supplied.give(i, take); !given)
            return given;
        if (left != 0)
            return error(Errc::truncated, "a value shorter than promised");
        return {};
    }

    const SuppliedValues& supplied_;
    ElementWriter out_;
    std::vector<std::byte> written_;
};

} // namespace

Result<void>
write_data_set(DcmItem& data_set, const SuppliedValues& supplied, const SuppliedValue::Take& out)
{
    return DataSetWriter(supplied, out).write(data_set);
}

} // namespace gantry::mapping
