#include "mapping/written_element.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcelem.h>
#include <dcmtk/dcmdata/dcitem.h>
#include <dcmtk/dcmdata/dcpixel.h>

namespace gantry::mapping {

Tag tag_of_object(const DcmObject& object)
{
    return {object.getGTag(), object.getETag()};
}

bool is_left_out(Tag tag)
{
    return tag.element == 0 || tag.group == 0 || tag.group == 0x0002 || tag.group >= 0xfffc;
}

std::string declared_character_set(DcmItem& item)
{
    OFString value;
    if (item.findAndGetOFStringArray(DCM_SpecificCharacterSet, value).bad())
        return {};
    return value.c_str();
}

bool has_signed_pixels(DcmItem& item, bool inherited)
{
    Uint16 representation = inherited ? 1 : 0;
    item.findAndGetUint16(DCM_PixelRepresentation, representation);
    return representation == 1;
}

bool is_encapsulated(DcmElement& element)
{
    auto* pixels = dynamic_cast<DcmPixelData*>(&element);
    if (pixels == nullptr)
        return false;
    E_TransferSyntax syntax = EXS_Unknown;
    const DcmRepresentationParameter* parameter = nullptr;
    pixels->getCurrentRepresentationKey(syntax, parameter);
    // a syntax that DCMTK does not know passes for a native one
    DcmPixelSequence* fragments = nullptr;
    pixels->getEncapsulatedRepresentation(syntax, parameter, fragments);
    return fragments != nullptr || DcmXfer(syntax).isEncapsulated();
}

Vr written_vr(DcmElement& element, bool signed_pixels)
{
    switch (element.getVR()) {
    case EVR_xs: return signed_pixels ? vr::ss : vr::us;
    case EVR_lt: return vr::ow;
    case EVR_ox:
    case EVR_px:
    case EVR_PixelData: return is_encapsulated(element) ? vr::ob : vr::ow;
    case EVR_up: return vr::ul;
    default: break;
    }
    const DcmVR vr(element.getVR());
    const char* name = vr.getVRName();
    const bool known = vr.isStandard() && name != nullptr && name[0] != '\0' && name[1] != '\0';
    return known ? make_vr(name[0], name[1]) : vr::un;
}

bool read_value(DcmElement& element, std::string& into, std::uint32_t from, std::uint32_t size)
{
    return element.getPartialValue(into.data(), from, size, nullptr, EBO_LittleEndian).good();
}

} // namespace gantry::mapping
