// Texts with places that a notification fills: "{{title}}", "{{ label.pool }}". No logic, no loops. Pure; any thread.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "io/notify/render.h"

namespace paramedic::notify {

class Template {
 public:
  // Error: invalid_argument, naming the place that is unknown or not closed. `json`: values are written as the inside
  // of a JSON text, so that "{{title}}" between quotes stays valid whatever the title holds.
  static Result<Template> parse(std::string_view text, bool json);
  std::string fill(const Notification& notification, const SendContext& context) const;

 private:
  struct Piece {
    bool place = false;
    std::string text;  // as it is, or the place's name
  };
  std::vector<Piece> pieces_;
  bool json_ = false;
};

// "title, text, …": the names that a template may use.
std::string template_places();

}  // namespace paramedic::notify
