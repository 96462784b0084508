#include "dimse/error.h"

namespace gantry::dimse {

namespace {

class Category final : public boost::system::error_category {
public:
    const char* name() const noexcept override { return "dimse"; }

    std::string message(int code) const override
    {
        switch (static_cast<Errc>(code)) {
        case Errc::malformed: return "malformed";
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

} // namespace gantry::dimse
