// The syntax of the text options: URLs, filters, formats, attribute names. Pure. A failure says
// what is wrong and what would be accepted; it never holds a secret, for no secret has a syntax.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/option_table.h"
#include "ipc/runtime/result.h"

namespace openmmp::config {

// Checks the text of an option of this form; for lists, the whole value.
Result<> check_form(Form form, std::string_view value);

// The words of a list that check_form() has accepted, in the form in which Settings have them:
// fingerprints without colons, addresses as a socket's is written.
std::vector<std::string> words_of(Form form, std::string_view value);

// The file of "ldif:FILE[?BASE]", empty when the URL is none of these.
std::string_view ldif_file(std::string_view ldap_url);

}  // namespace openmmp::config
