#include "mapping/value_representation.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdicent.h>
#include <dcmtk/dcmdata/dcdict.h>
#include <dcmtk/dcmdata/dcvr.h>

namespace gantry::mapping {

namespace {

Vr from_dcmtk(DcmEVR evr)
{
    switch (evr) {
    case EVR_xs: return vr::us_or_ss;
    case EVR_lt: return vr::us_or_ss_or_ow;
    case EVR_ox:
    case EVR_px: return vr::ob_or_ow;
    case EVR_up: return vr::ul;
    case EVR_na:
    case EVR_UNKNOWN:
    case EVR_UNKNOWN2B: return vr::un;
    default: break;
    }
    const char* name = DcmVR(evr).getValidVRName();
    return name != nullptr && name[0] != '\0' && name[1] != '\0' ? make_vr(name[0], name[1])
                                                                 : vr::un;
}

constexpr Vr short_forms[] = {
    make_vr('A', 'E'), make_vr('A', 'S'), make_vr('A', 'T'), make_vr('C', 'S'), make_vr('D', 'A'),
    make_vr('D', 'S'), make_vr('D', 'T'), make_vr('F', 'D'), make_vr('F', 'L'), make_vr('I', 'S'),
    make_vr('L', 'O'), make_vr('L', 'T'), make_vr('P', 'N'), make_vr('S', 'H'), make_vr('S', 'L'),
    make_vr('S', 'S'), make_vr('S', 'T'), make_vr('T', 'M'), make_vr('U', 'I'), make_vr('U', 'L'),
    make_vr('U', 'S'),
};

bool is_capital(char c)
{
    return c >= 'A' && c <= 'Z';
}

} // namespace

bool has_long_form(Vr vr)
{
    for (const Vr known : short_forms) {
        if (vr == known)
            return false;
    }
    return is_capital(first_letter(vr)) && is_capital(second_letter(vr));
}

unsigned word_size(Vr vr)
{
    switch (vr) {
    case make_vr('A', 'T'):
    case make_vr('O', 'W'):
    case make_vr('S', 'S'):
    case make_vr('U', 'S'): return 2;
    case make_vr('F', 'L'):
    case make_vr('O', 'F'):
    case make_vr('O', 'L'):
    case make_vr('S', 'L'):
    case make_vr('U', 'L'): return 4;
    case make_vr('F', 'D'):
    case make_vr('O', 'D'):
    case make_vr('O', 'V'):
    case make_vr('S', 'V'):
    case make_vr('U', 'V'): return 8;
    default: return 1;
    }
}

Vr dictionary_vr(Tag tag, std::string_view creator)
{
    if (tag.element == 0)
        return vr::ul; // group length (PS3.5 7.2)
    if (tag.is_private_creator())
        return vr::lo;
    if (tag.is_private() && creator.empty())
        return vr::un;
    const std::string name(creator);
    const DcmDataDictionary& dictionary = dcmDataDict.rdlock();
    const DcmDictEntry* entry = dictionary.findEntry(
        DcmTagKey(tag.group, tag.element), tag.is_private() ? name.c_str() : nullptr
    );
    const DcmEVR evr = entry != nullptr ? entry->getEVR() : EVR_UN;
    dcmDataDict.rdunlock();
    return from_dcmtk(evr);
}

bool dictionary_loaded()
{
    const bool loaded = dcmDataDict.rdlock().isDictionaryLoaded();
    dcmDataDict.rdunlock();
    return loaded;
}

} // namespace gantry::mapping
