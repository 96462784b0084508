// Metadata with bulk data as clients post it, and what was stored of it. For tests of the web face.
#pragma once

#include "gateway/origins/archive/archive.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcpxitem.h>
#include <dcmtk/dcmdata/dctk.h>
#include <doctest/doctest.h>

#include <fstream>
#include <string>
#include <vector>

#include "tests/gateway/web_face_support.h"

namespace gantry::tests {

struct Part {
    std::string type;
    std::string location;
    std::string body;
};

inline std::string body_of(const std::vector<Part>& parts)
{
    std::string out;
    for (const Part& part : parts) {
        out += "--b\r\n";
        if (!part.type.empty())
            out += "Content-Type: " + part.type + "\r\n";
        if (!part.location.empty())
            out += "Content-Location: " + part.location + "\r\n";
        out += "\r\n" + part.body + "\r\n";
    }
    return out + "--b--\r\n";
}

inline std::unique_ptr<FakeResponse> post(
    OpenFace& face,
    const std::vector<Part>& parts,
    const std::string& type = "application/dicom+json",
    const std::string& target = "/studies"
)
{
    Ask ask{web::Method::post, target};
    ask.fields = {{"Content-Type", "multipart/related; type=\"" + type + "\"; boundary=b"}};
    ask.body = body_of(parts);
    return face.ask(std::move(ask));
}

/// A stored instance, as DCMTK reads it.
class Stored {
public:
    Stored(OpenFace& face, const std::string& study, const std::string& instance)
    {
        const auto path =
            face.local().archive().path_of(Uid::parse(study).value(), Uid::parse(instance).value());
        instance_ = read_instance(path);
        const std::string file = instance_.file();
        const auto copy = face.folder.path() / "copy.dcm";
        std::ofstream(copy, std::ios::binary) << file;
        REQUIRE(file_.loadFile(copy.c_str()).good());
    }

    DcmDataset& data_set() { return *file_.getDataset(); }

    const std::string& syntax() const { return instance_.key.transfer_syntax.str(); }

    std::string text(const DcmTagKey& tag)
    {
        OFString out;
        (void)data_set().findAndGetOFString(tag, out);
        return out.c_str();
    }

    unsigned number(const DcmTagKey& tag)
    {
        Uint16 out = 0;
        (void)data_set().findAndGetUint16(tag, out);
        return out;
    }

    std::string pixels()
    {
        const Uint8* values = nullptr;
        unsigned long count = 0;
        (void)data_set().findAndGetUint8Array(DCM_PixelData, values, &count);
        return values == nullptr ? "" : std::string(reinterpret_cast<const char*>(values), count);
    }

    std::vector<std::string> fragments()
    {
        DcmElement* element = nullptr;
        REQUIRE(data_set().findAndGetElement(DCM_PixelData, element).good());
        E_TransferSyntax xfer = EXS_Unknown;
        const DcmRepresentationParameter* none = nullptr;
        DcmPixelSequence* sequence = nullptr;
        auto& pixels = dynamic_cast<DcmPixelData&>(*element);
        pixels.getCurrentRepresentationKey(xfer, none);
        REQUIRE(pixels.getEncapsulatedRepresentation(xfer, none, sequence).good());
        std::vector<std::string> out;
        for (unsigned long i = 0; i < sequence->card(); ++i) {
            DcmPixelItem* item = nullptr;
            Uint8* bytes = nullptr;
            REQUIRE(sequence->getItem(item, i).good());
            (void)item->getUint8Array(bytes);
            out.emplace_back(reinterpret_cast<const char*>(bytes), item->getLength());
        }
        return out;
    }

private:
    Instance instance_;
    DcmFileFormat file_;
};

inline const std::string json_type = "application/dicom+json";
inline const std::string octets = "application/octet-stream";

} // namespace gantry::tests
