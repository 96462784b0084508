#include "mapping/reencode.h"

#include "mapping/data_set_tokens.h"
#include "mapping/inflater.h"
#include "mapping/token_writer.h"

#include <optional>
#include <utility>

namespace gantry::mapping {

class Reencoder::Impl {
public:
    Impl(const TransferSyntax& from, Encoding to, Out out)
        : from_(from.encoding),
          to_(to),
          out_(std::move(out)),
          writer_(out_, to == Encoding::implicit_le ? Headers::implicit_vr : Headers::explicit_vr),
          tokens_(from, writer_)
    {
        if (from_ == Encoding::deflated_explicit_le && to_ == Encoding::explicit_le)
            inflater_.emplace();
    }

    Result<void> feed(ConstBytes chunk)
    {
        if (from_ == to_)
            return chunk.empty() ? Result<void>() : out_(chunk);
        if (inflater_) // explicit little endian inside (PS3.5 A.5)
            return inflater_->feed(chunk, out_);
        if (from_ == Encoding::implicit_le && !dictionary_loaded())
            return error(Errc::unsupported, "no data dictionary");
        return tokens_.feed(chunk);
    }

    Result<void> finish()
    {
        if (from_ == to_)
            return {};
        if (inflater_)
            return inflater_->finish();
        if (const auto ended = tokens_.finish(); !ended)
            return ended.error();
        return writer_.flush();
    }

private:
    Encoding from_;
    Encoding to_;
    Out out_;
    std::optional<Inflater> inflater_;
    TokenWriter writer_;
    DataSetTokenizer tokens_;
};

Reencoder::Reencoder(const TransferSyntax& from, Out out)
    : Reencoder(from, Encoding::explicit_le, std::move(out))
{
}

Reencoder::Reencoder(const TransferSyntax& from, Encoding to, Out out)
    : impl_(std::make_unique<Impl>(from, to, std::move(out)))
{
}

Reencoder::~Reencoder() = default;
Reencoder::Reencoder(Reencoder&&) noexcept = default;
Reencoder& Reencoder::operator=(Reencoder&&) noexcept = default;

Result<void> Reencoder::feed(ConstBytes chunk)
{
    return impl_->feed(chunk);
}

Result<void> Reencoder::finish()
{
    return impl_->finish();
}

} // namespace gantry::mapping
