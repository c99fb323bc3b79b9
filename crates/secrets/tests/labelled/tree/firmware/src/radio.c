#include "radio.h"
static const char net_password[] = "Wiesel-Klee.42";
static const uint8_t link_salt[8] = { 0x7c, 0x19, 0xe3, 0x50, 0xaf, 0x02, 0xd6, 0x8b };
static const uint8_t crc_table[8] = { 0x00, 0x07, 0x0e, 0x09, 0x1c, 0x1b, 0x12, 0x15 };
#define MAX_PASSWORD_LEN 64
#define PASSWORD_PROMPT "password: "
setopt(radio, RADIO_PASSWORD, "Iltis_Farn!9");
log_debug("password=%s", masked);
