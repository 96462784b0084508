// Lets OpenJPEG read a codestream from memory and write one there. For the codec alone.
#pragma once

#include "mapping/vocabulary/bytes.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <openjpeg.h>
#include <vector>

namespace gantry::mapping {

struct StreamEnd {
    void operator()(opj_stream_t* stream) const noexcept { opj_stream_destroy(stream); }
};

using OpjStream = std::unique_ptr<opj_stream_t, StreamEnd>;

// Reading from memory.

struct CodestreamSource {
    ConstBytes bytes;
    std::size_t at = 0;
};

inline OPJ_SIZE_T read_source(void* buffer, OPJ_SIZE_T size, void* data)
{
    auto* source = static_cast<CodestreamSource*>(data);
    const std::size_t given = std::min<std::size_t>(size, source->bytes.size() - source->at);
    if (given == 0)
        return static_cast<OPJ_SIZE_T>(-1); // no more
    std::memcpy(buffer, &source->bytes[source->at], given);
    source->at += given;
    return given;
}

inline OPJ_OFF_T skip_source(OPJ_OFF_T size, void* data)
{
    auto* source = static_cast<CodestreamSource*>(data);
    if (size < 0 || static_cast<std::uint64_t>(size) > source->bytes.size() - source->at)
        return -1;
    source->at += static_cast<std::size_t>(size);
    return size;
}

inline OPJ_BOOL seek_source(OPJ_OFF_T at, void* data)
{
    auto* source = static_cast<CodestreamSource*>(data);
    if (at < 0 || static_cast<std::uint64_t>(at) > source->bytes.size())
        return OPJ_FALSE;
    source->at = static_cast<std::size_t>(at);
    return OPJ_TRUE;
}

inline OpjStream stream_of(CodestreamSource& source)
{
    OpjStream stream(opj_stream_default_create(OPJ_TRUE));
    opj_stream_set_user_data(stream.get(), &source, nullptr);
    opj_stream_set_user_data_length(stream.get(), source.bytes.size());
    opj_stream_set_read_function(stream.get(), read_source);
    opj_stream_set_skip_function(stream.get(), skip_source);
    opj_stream_set_seek_function(stream.get(), seek_source);
    return stream;
}

// Writing to memory.

struct CodestreamSink {
    std::vector<std::byte> bytes;
    std::size_t at = 0;

    void reach(std::size_t end)
    {
        if (end > bytes.size())
            bytes.resize(end);
    }
};

inline OPJ_SIZE_T write_sink(void* buffer, OPJ_SIZE_T size, void* data)
{
    auto* sink = static_cast<CodestreamSink*>(data);
    sink->reach(sink->at + size);
    std::memcpy(&sink->bytes[sink->at], buffer, size);
    sink->at += size;
    return size;
}

inline OPJ_OFF_T skip_sink(OPJ_OFF_T size, void* data)
{
    auto* sink = static_cast<CodestreamSink*>(data);
    sink->at += static_cast<std::size_t>(size);
    sink->reach(sink->at);
    return size;
}

inline OPJ_BOOL seek_sink(OPJ_OFF_T at, void* data)
{
    auto* sink = static_cast<CodestreamSink*>(data);
    sink->at = static_cast<std::size_t>(at);
    sink->reach(sink->at);
    return OPJ_TRUE;
}

inline OpjStream stream_to(CodestreamSink& sink)
{
    OpjStream stream(opj_stream_default_create(OPJ_FALSE));
    opj_stream_set_user_data(stream.get(), &sink, nullptr);
    opj_stream_set_write_function(stream.get(), write_sink);
    opj_stream_set_skip_function(stream.get(), skip_sink);
    opj_stream_set_seek_function(stream.get(), seek_sink);
    return stream;
}

} // namespace gantry::mapping
