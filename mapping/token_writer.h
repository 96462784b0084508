// Writes tokens of a data set anew, in Explicit or Implicit VR Little Endian (PS3.5 A.1, A.2):
// values as they are, with sequences and items of undefined length. Any thread, one at a time;
// memory does not depend on the data set.
#pragma once

#include "mapping/data_set_tokens.h"
#include "mapping/element_writer.h"

#include <functional>
#include <optional>
#include <vector>

namespace gantry::mapping {

class TokenWriter final : public TokenSink {
public:
    using Out = ElementWriter::Out;

    explicit TokenWriter(Out out, Headers headers = Headers::explicit_vr);

    /// Errc::unsupported for fragments where VRs are not written: there is no such syntax.
    Result<void> begin(const Token& token) override;
    Result<void> value(const Token& token, ConstBytes piece) override;
    Result<void> end(const Token& token) override;

    /// What is gathered goes out.
    Result<void> flush() { return writer_.flush(); }

    /// A whole element at once.
    Result<void> element(Tag tag, Vr vr, ConstBytes value);

private:
    /// What elements before it say about the VR of an element (PS3.5 annex A); items inherit it.
    struct Choices {
        unsigned pixel_representation = 0; // 1: signed
        unsigned waveform_bits = 16;
    };

    static Vr choose(Vr vr, Tag tag, const Choices& choices);
    void begin_element(const Token& token);
    void begin_value(const Token& token, Vr vr, unsigned word);
    Result<void> end_value(const Token& token);
    void decide(const Token& token);

    Headers headers_;
    ElementWriter writer_;
    WordSwapper swapper_;
    std::vector<Choices> choices_; // of the items that are open
    bool dropping_ = false;        // the element is left out
    bool swapping_ = false;        // its value is turned round
    bool deciding_ = false;        // its value decides on VRs to come
    unsigned decisive_ = 0;        // that value, as it is read
    std::optional<char> padding_;  // what its value lacks to be even
};

} // namespace gantry::mapping
