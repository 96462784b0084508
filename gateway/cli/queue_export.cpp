// gantry queue export: writes what the queue holds as DICOM files.
#include "gateway/cli/commands.h"
#include "gateway/cli/print.h"
#include "gateway/cli/queue_client.h"
#include "gateway/error.h"
#include "mapping/file_meta.h"

#include <openssl/evp.h>

#include <charconv>
#include <fstream>
#include <iostream>

namespace gantry::cli {

namespace json = boost::json;
namespace fs = std::filesystem;

namespace {

std::optional<std::string> from_base64(const std::string& text)
{
    std::string bytes(text.size() / 4 * 3, '\0');
    const int length = ::EVP_DecodeBlock(
        reinterpret_cast<unsigned char*>(bytes.data()),
        reinterpret_cast<const unsigned char*>(text.data()),
        static_cast<int>(text.size())
    );
    if (length < 0)
        return std::nullopt;
    // EVP_DecodeBlock counts the padding as zeros.
    const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
    bytes.resize(static_cast<std::size_t>(length) - padding);
    return bytes;
}

Uid uid_in(const json::object& row, std::string_view key)
{
    return Uid::parse(text_of(row, key)).value_or(Uid());
}

/// A file that comes to be under its name only when it is complete.
class Target {
public:
    explicit Target(fs::path folder) : folder_(std::move(folder)) {}

    Target(const Target&) = delete;
    Target& operator=(const Target&) = delete;

    ~Target()
    {
        std::error_code ignored;
        if (!part_.empty())
            fs::remove(part_, ignored);
    }

    void take(const json::object& row)
    {
        if (const std::string data = text_of(row, "data"); data.empty())
            begin(row);
        else if (const auto bytes = from_base64(data))
            file_.write(bytes->data(), static_cast<std::streamsize>(bytes->size()));
        else
            file_.setstate(std::ios::badbit);
    }

    Result<fs::path> finish()
    {
        file_.close();
        std::error_code ec;
        if (file_.good())
            fs::rename(part_, final_, ec);
        if (!file_.good() || ec)
            return error(Errc::disk, final_.string() + " cannot be written");
        part_.clear();
        return final_;
    }

private:
    void begin(const json::object& row)
    {
        mapping::FileHead head;
        head.sop = {uid_in(row, "sop_class_uid"), uid_in(row, "sop_instance_uid")};
        head.transfer_syntax = uid_in(row, "transfer_syntax_uid");
        head.source = AeTitle::parse(text_of(row, "calling_ae_title")).value_or(AeTitle());
        final_ = folder_ / (head.sop.sop_instance.str() + ".dcm");
        part_ = final_.string() + ".part";
        file_.open(part_, std::ios::binary | std::ios::trunc);
        file_ << mapping::write_file_head(head);
    }

    fs::path folder_;
    fs::path final_;
    fs::path part_;
    std::ofstream file_;
};

int export_one(
    const Context& context, const Config& config, std::int64_t id, const fs::path& folder
)
{
    Target target(folder);
    const auto answer =
        ask_service(config, "queue.export", {{"id", id}}, [&](const json::object& row) {
            target.take(row);
        });
    if (!answer)
        return complain(answer.error());
    const auto written = target.finish();
    if (!written)
        return complain(written.error());
    if (context.json)
        print_json({{"id", id}, {"file", written->string()}});
    else
        print_line(written->string());
    return Exit::done;
}

} // namespace

int queue_export(
    const Context& context, const std::vector<std::string>& rows, const fs::path& folder
)
{
    const auto config = load_config(context);
    if (!config)
        return Exit::wrong_usage;
    if (!fs::is_directory(folder)) {
        complain(folder.string() + " is not a folder");
        return Exit::wrong_usage;
    }
    int result = Exit::done;
    for (const std::string& row : rows) {
        std::int64_t id = 0;
        const auto [end, bad] = std::from_chars(row.data(), row.data() + row.size(), id);
        if (bad != std::errc{} || end != row.data() + row.size()) {
            complain(row + " is no row number of gantry queue list");
            return Exit::wrong_usage;
        }
        result = std::max<int>(result, export_one(context, *config, id, folder));
    }
    return result;
}

} // namespace gantry::cli
