// Puts the fragments of encapsulated pixel data together to frames (PS3.5 A.4): by the offset table
// where there is a good one, else by where codestreams begin. Any thread, one at a time; holds the
// codestream of one frame.
#pragma once

#include "mapping/frame_codec.h"

#include <cstdint>
#include <functional>
#include <vector>

namespace gantry::mapping {

class FragmentGatherer {
public:
    /// Takes the codestream of the next frame.
    using Frame = std::function<Result<void>(ConstBytes)>;

    struct What {
        Codec codec = Codec::other;
        std::uint32_t frames = 1;
        std::uint64_t largest = 0; // codestream, in bytes
    };

    FragmentGatherer(What what, Frame out) : what_(what), out_(std::move(out)) {}

    /// Errc::too_large, Errc::malformed where there are more frames than expected, or what the
    /// frame's taker fails with.
    Result<void> begin_fragment(std::uint32_t length);
    Result<void> value(ConstBytes piece);
    Result<void> end_fragment();
    /// Errc::malformed where there are fewer frames than expected.
    Result<void> finish();

private:
    void read_offsets();
    bool begins_frame() const;
    Result<void> give(std::size_t size);

    What what_;
    Frame out_;
    std::vector<std::uint32_t> offsets_; // as the table says; empty: there is none to go by
    std::vector<std::byte> gathered_;    // the frame so far, and the fragment being read
    std::size_t fragment_ = 0;           // where in it that fragment begins
    std::uint64_t offset_ = 0;           // of that fragment, from the first one's item tag
    std::uint64_t next_offset_ = 0;
    std::uint32_t given_ = 0; // frames
    bool table_read_ = false; // the first item is the offset table
};

} // namespace gantry::mapping
