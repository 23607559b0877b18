#include "base/build_id.h"

#include <cstring>

#include <elf.h>
#include <link.h>

namespace paramedic {

namespace {

std::string hex(const char* bytes, std::size_t count) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < count; ++i) {
    out += kDigits[static_cast<unsigned char>(bytes[i]) >> 4];
    out += kDigits[static_cast<unsigned char>(bytes[i]) & 15];
  }
  return out;
}

// The notes of one segment: name and description are padded to 4 bytes each.
void find_in_notes(const char* at, std::size_t size, std::string& out) {
  while (size >= sizeof(ElfW(Nhdr))) {
    ElfW(Nhdr) head;
    std::memcpy(&head, at, sizeof head);
    const std::size_t name = (std::size_t(head.n_namesz) + 3) & ~std::size_t{3};
    const std::size_t text = (std::size_t(head.n_descsz) + 3) & ~std::size_t{3};
    if (name + text > size - sizeof head) return;
    if (head.n_type == NT_GNU_BUILD_ID && head.n_namesz == 4 && std::memcmp(at + sizeof head, "GNU", 4) == 0)
      out = hex(at + sizeof head + name, head.n_descsz);
    at += sizeof head + name + text;
    size -= sizeof head + name + text;
  }
}

// The first object is the program itself; the others are its libraries.
int look_at(dl_phdr_info* info, std::size_t, void* out) {
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto& part = info->dlpi_phdr[i];
    if (part.p_type == PT_NOTE)
      find_in_notes(reinterpret_cast<const char*>(info->dlpi_addr + part.p_vaddr), part.p_memsz,
                    *static_cast<std::string*>(out));
  }
  return 1;
}

}  // namespace

std::string build_id() {
  std::string out;
  ::dl_iterate_phdr(look_at, &out);
  return out.empty() ? "unknown" : out;
}

}  // namespace paramedic
