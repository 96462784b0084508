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
