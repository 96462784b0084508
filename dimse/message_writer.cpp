#include "dimse/message_stream.h"

#include <algorithm>
#include <cerrno>
#include <unistd.h>

namespace gantry::dimse {

namespace {

// Ours even where the peer sets no limit: beyond this nothing is won.
constexpr std::uint32_t largest_pdu = 131'072;

// What one write takes from a file, about.
constexpr std::size_t batch_size = 256U << 10U;

constexpr std::size_t heads_size = pdu::head_size + pdu::pdv_head_size;

enum Kind : unsigned { data = 0, command = 1 };

constexpr unsigned last_bit = 2;

/// Head of a P-DATA-TF with one PDV (PS3.8 9.3.5).
void put_heads(std::byte* at, std::uint8_t context, unsigned control, std::size_t fragment)
{
    at[0] = static_cast<std::byte>(pdu::Type::p_data_tf);
    at[1] = std::byte{0};
    wire::store_be32(at + 2, static_cast<std::uint32_t>(fragment + pdu::pdv_head_size));
    wire::store_be32(at + 6, static_cast<std::uint32_t>(fragment + 2));
    at[10] = static_cast<std::byte>(context);
    at[11] = static_cast<std::byte>(control);
}

bool read_whole(int file, std::byte* to, std::size_t count, std::uint64_t offset)
{
    while (count > 0) {
        const ssize_t got = ::pread(file, to, count, static_cast<off_t>(offset));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        to += got;
        offset += static_cast<std::uint64_t>(got);
        count -= static_cast<std::size_t>(got);
    }
    return true;
}

} // namespace

void MessageWriter::set_peer_max_pdu(std::uint32_t peer_max_pdu)
{
    const std::uint32_t limit =
        peer_max_pdu == 0 ? largest_pdu : std::min(peer_max_pdu, largest_pdu);
    // Fragments are of even length (PS3.8 E.1: no odd ones where the message has more).
    fragment_size_ = (limit - static_cast<std::uint32_t>(pdu::pdv_head_size)) & ~1U;
}

Transfer MessageWriter::write_command(std::uint8_t context, ConstBytes bytes, bool data_set_follows)
{
    if (const Transfer added = add_fragments(context, Kind::command, bytes);
        added != Transfer::done)
        return added;
    return send_out(data_set_follows);
}

Transfer MessageWriter::write_data(std::uint8_t context, ConstBytes data_set)
{
    if (const Transfer added = add_fragments(context, Kind::data, data_set);
        added != Transfer::done)
        return added;
    return send_out(false);
}

Transfer MessageWriter::add_command(std::uint8_t context, ConstBytes command)
{
    return add_fragments(context, Kind::command, command);
}

Transfer MessageWriter::add_data(std::uint8_t context, ConstBytes data_set)
{
    return add_fragments(context, Kind::data, data_set);
}

Transfer MessageWriter::flush()
{
    return send_out(false);
}

Transfer MessageWriter::send_out(bool more)
{
    const Transfer sent = connection_->write(out_, more);
    out_.clear();
    return sent;
}

Transfer MessageWriter::add_fragments(std::uint8_t context, unsigned kind, ConstBytes bytes)
{
    do {
        if (out_.size() >= batch_size) {
            if (const Transfer sent = send_out(false); sent != Transfer::done)
                return sent;
        }
        const ConstBytes fragment =
            bytes.first(std::min<std::size_t>(bytes.size(), fragment_size_));
        bytes = bytes.subspan(fragment.size());
        const std::size_t at = out_.size();
        out_.resize(at + heads_size);
        put_heads(
            out_.data() + at, context, kind | (bytes.empty() ? last_bit : 0), fragment.size()
        );
        out_.insert(out_.end(), fragment.begin(), fragment.end());
    } while (!bytes.empty());
    return Transfer::done;
}

// The head of a PDU is written when it is full and more follows, or when nothing does: only then is
// it known whether its fragment is the last.
Transfer MessageWriter::next_pdu(Open& open)
{
    put_heads(out_.data() + open.head, open.context, Kind::data, open.filled);
    if (out_.size() >= batch_size) {
        open.begun = true;
        if (const Transfer sent = send_out(false); sent != Transfer::done)
            return sent;
        if (const Transfer looked = connection_->look(); looked != Transfer::done)
            return looked;
    }
    open.head = out_.size();
    open.filled = 0;
    out_.resize(open.head + heads_size);
    return Transfer::done;
}

// A whole fragment that is not the last goes out from where it stands.
Transfer MessageWriter::write_whole(Open& open, ConstBytes& piece)
{
    const ConstBytes fragment = piece.first(fragment_size_);
    put_heads(out_.data() + open.head, open.context, Kind::data, fragment.size());
    open.begun = true;
    const Transfer sent = connection_->write(out_, fragment, false);
    if (sent != Transfer::done)
        return sent;
    out_.clear();
    open.head = 0;
    out_.resize(heads_size);
    piece = piece.subspan(fragment.size());
    return connection_->look();
}

MessageWriter::SourcedEnd MessageWriter::write_sourced(std::uint8_t context, const Sourced& message)
{
    const std::size_t start = out_.size();
    if (const Transfer added = add_fragments(context, Kind::command, message.command);
        added != Transfer::done)
        return {.transfer = added, .begun = true};
    Open open{.context = context, .head = out_.size()};
    out_.resize(open.head + heads_size);
    for (ConstBytes piece = message.first; !piece.empty();) {
        if (open.filled == 0 && piece.size() > fragment_size_) {
            if (const Transfer sent = write_whole(open, piece); sent != Transfer::done)
                return {.transfer = sent, .begun = true};
            continue;
        }
        if (open.filled == fragment_size_) {
            if (const Transfer next = next_pdu(open); next != Transfer::done)
                return {.transfer = next, .begun = true};
        }
        const ConstBytes part =
            piece.first(std::min<std::size_t>(piece.size(), fragment_size_ - open.filled));
        out_.insert(out_.end(), part.begin(), part.end());
        open.filled += part.size();
        piece = piece.subspan(part.size());
        if (!piece.empty())
            continue;
        auto next = message.source->next();
        if (!next) {
            out_.resize(open.begun ? 0 : start);
            return {.fault = next.error(), .begun = open.begun};
        }
        piece = *next;
    }
    if (open.filled % 2 != 0) { // all before it were full, and even
        out_.push_back(std::byte{0});
        ++open.filled;
    }
    put_heads(out_.data() + open.head, context, Kind::data | last_bit, open.filled);
    return {.transfer = send_out(false), .begun = true};
}

Transfer MessageWriter::write_file(
    std::uint8_t context, int file, std::uint64_t offset, std::uint64_t length, bool& failed
)
{
    failed = false;
    do {
        do {
            const auto count =
                static_cast<std::size_t>(std::min<std::uint64_t>(length, fragment_size_));
            length -= count;
            const std::size_t at = out_.size();
            const std::size_t padded = count + count % 2; // the last one alone can be odd
            out_.resize(at + heads_size + padded);
            out_.back() = std::byte{0};
            put_heads(out_.data() + at, context, Kind::data | (length == 0 ? last_bit : 0), padded);
            if (!read_whole(file, out_.data() + at + heads_size, count, offset)) {
                out_.clear();
                failed = true;
                return Transfer::done;
            }
            offset += count;
        } while (length > 0 && out_.size() < batch_size);
        if (const Transfer sent = send_out(false); sent != Transfer::done)
            return sent;
    } while (length > 0);
    return Transfer::done;
}

} // namespace gantry::dimse
