// paramedic token NAME --scope report: a fresh secret, shown once, and its line for token_file.
#include <iostream>

#include "app/cli/commands.h"
#include "io/api/tokens.h"

namespace paramedic::cli {

int token(const TokenOptions& options) {
  std::vector<api::Scope> scopes;
  for (const std::string& word : options.scopes) {
    const auto scope = parse_enum<api::Scope>(word);
    if (!scope || *scope == api::Scope::open)
      return fail({Errc::invalid_argument, "scope '" + word + "' must be report or operate"});
    scopes.push_back(*scope);
  }
  const auto made = api::make_token(options.name, scopes, options.pool);
  if (!made) return fail(made.error());
  std::cout << "secret (shown once, give it to " << options.name << "): " << made->secret
            << "\nline for token_file: " << made->line << '\n';
  return 0;
}

}  // namespace paramedic::cli
