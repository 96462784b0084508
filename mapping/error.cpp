#include "mapping/error.h"

namespace gantry::mapping {

namespace {

class Category final : public boost::system::error_category {
public:
    const char* name() const noexcept override { return "mapping"; }

    std::string message(int code) const override
    {
        switch (static_cast<Errc>(code)) {
        case Errc::malformed: return "malformed";
        case Errc::truncated: return "cut short";
        case Errc::too_deep: return "nested too deeply";
        case Errc::too_large: return "too large";
        case Errc::incomplete: return "more bytes needed";
        case Errc::not_dicom: return "not a DICOM file";
        case Errc::unsupported: return "not supported";
        }
        return "unknown error";
    }
};

} // namespace

const boost::system::error_category& category() noexcept
{
    static const Category instance;
    return instance;
}

} // namespace gantry::mapping
