// Structured reports as a page to read (PS3.3 C.17; PS3.18 8.7.4): plain HTML without scripts,
// pictures or links, every value escaped. For worker threads; one data set in one thread.
#pragma once

#include "mapping/error.h"

#include <string>

class DcmDataset;

namespace gantry::mapping {

/// UTF-8. The report is brought to UTF-8 on the way. Errc::unsupported: it has no content tree;
/// Errc::too_large: a page of more than 16 MiB.
Result<std::string> report_html(DcmDataset& report);

} // namespace gantry::mapping
