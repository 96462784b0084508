#include "dimse/data_set.h"

#include "dimse/error.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>
#include <dcmtk/dcmdata/dcistrmb.h>
#include <dcmtk/dcmdata/dcostrmb.h>
#include <dcmtk/dcmdata/dcxfer.h>

#include <algorithm>
#include <array>

namespace gantry::dimse {

namespace {

// dcmdata reads sequences by recursion. Every level takes an item, so as many items as this bound
// the depth, whatever the lengths claim.
constexpr std::size_t max_items = 512;

/// Where a value would be read from later. Never is: see InMemory.
class Nowhere final : public DcmInputStreamFactory {
public:
    DcmInputStream* create() const override { return nullptr; }

    DcmInputStreamFactory* clone() const override { return new Nowhere; } // dcmdata's ownership

    DcmInputStreamFactoryType ident() const override { return DFT_DcmInputFileStreamFactory; }
};

/// dcmdata makes room for whatever length an element claims, but passes over values that are longer
/// than it is told to read at once where it can come back for them. Told that it can, it finds that
/// what is longer than all there is is not there.
class InMemory final : public DcmInputBufferStream {
public:
    DcmInputStreamFactory* newFactory() const override { return new Nowhere; }
};

/// (FFFE,E000), in either byte order: UN holds little endian inside of big (PS3.5 6.2.2).
std::size_t items_at_most(ConstBytes bytes)
{
    constexpr std::array little{std::byte{0xfe}, std::byte{0xff}, std::byte{0}, std::byte{0xe0}};
    constexpr std::array big{std::byte{0xff}, std::byte{0xfe}, std::byte{0xe0}, std::byte{0}};
    std::size_t count = 0;
    for (const auto& tag : {little, big}) {
        for (auto at = bytes.begin();; ++at, ++count) {
            at = std::search(at, bytes.end(), tag.begin(), tag.end());
            if (at == bytes.end())
                break;
        }
    }
    return count;
}

Result<E_TransferSyntax> syntax_of(const Uid& transfer_syntax)
{
    const DcmXfer xfer(transfer_syntax.str().c_str());
    if (xfer.getXfer() == EXS_Unknown || xfer.getStreamCompression() != ESC_none)
        return error(Errc::malformed, "no query in " + transfer_syntax.str());
    return xfer.getXfer();
}

} // namespace

Result<std::unique_ptr<DcmDataset>>
parse_data_set(ConstBytes bytes, const Uid& transfer_syntax, std::size_t most)
{
    const auto syntax = syntax_of(transfer_syntax);
    if (!syntax)
        return syntax.error();
    if (bytes.size() > most || items_at_most(bytes) > max_items)
        return error(Errc::malformed, "too large");
    auto data_set = std::make_unique<DcmDataset>();
    InMemory stream;
    stream.setBuffer(bytes.data(), static_cast<offile_off_t>(bytes.size()));
    stream.setEos();
    data_set->transferInit();
    const OFCondition read = data_set->read(
        stream, *syntax, EGL_noChange, static_cast<Uint32>(std::max<std::size_t>(bytes.size(), 1))
    );
    data_set->transferEnd();
    if (read.bad() || !stream.eos())
        return error(Errc::malformed, read.text());
    return data_set;
}

Result<void> encode_data_set(DcmDataset& data_set, const Uid& transfer_syntax, wire::Buffer& out)
{
    const auto syntax = syntax_of(transfer_syntax);
    if (!syntax)
        return syntax.error();
    constexpr std::size_t slack = 64;
    const std::size_t start = out.size();
    const std::size_t room =
        std::size_t{data_set.calcElementLength(*syntax, EET_ExplicitLength)} + slack;
    out.resize(start + room);
    DcmOutputBufferStream stream(out.data() + start, static_cast<offile_off_t>(room));
    data_set.transferInit();
    const OFCondition written = data_set.write(
        stream, *syntax, EET_ExplicitLength, nullptr, EGL_withoutGL, EPD_withoutPadding
    );
    data_set.transferEnd();
    out.resize(written.good() ? start + static_cast<std::size_t>(stream.tell()) : start);
    if (written.bad())
        return error(Errc::malformed, written.text());
    return {};
}

} // namespace gantry::dimse
