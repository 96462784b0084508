#include "config/error.h"

namespace gantry::config {

namespace {

class Category final : public boost::system::error_category {
public:
    const char* name() const noexcept override { return "config"; }

    std::string message(int code) const override
    {
        switch (static_cast<Errc>(code)) {
        case Errc::bad_value: return "bad value";
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

} // namespace gantry::config
