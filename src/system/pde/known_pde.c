#include "system/pde/known_pde.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#define TWO_PI 6.28318530717958647692528676655900577

/* u_xx nu: -nu k^2 */
static void diffusion(double k, const double *parameters, double *symbol) {
  symbol[0] = -parameters[1] * k * k;
  symbol[1] = 0.0;
}

/* -u_xxx: -(i k)^3 = i k^3 */
static void dispersion(double k, const double *parameters, double *symbol) {
  (void)parameters;
  symbol[0] = 0.0;
  symbol[1] = k * k * k;
}

/* -u_xx - u_xxxx: k^2 - k^4 */
static void kuramoto_sivashinsky(double k, const double *parameters, double *symbol) {
  (void)parameters;
  symbol[0] = k * k * (1.0 - k * k);
  symbol[1] = 0.0;
}

/* In alphabetical order. */
static const neurlp_known_pde equations[] = {
    {.name = "burgers",
     .title = "viscous Burgers equation, waves that steepen",
     .equation = "u_t = -u u_x + nu u_xx",
     .source = "Burgers, Adv. Appl. Mech. 1 (1948) 171",
     .parameters = 2,
     .parameter_names = {"length", "nu"},
     .least = {16.0, 0.2},
     .greatest = {16.0, 0.2},
     .step = 0.1,
     .symbol = diffusion},
    {.name = "kdv",
     .title = "Korteweg-de Vries equation, waves in shallow water",
     .equation = "u_t = -u u_x - u_xxx",
     .source =
         "Korteweg and de Vries, Phil. Mag. 39 (1895) 422; numbers of Brandstetter, Welling, Worrall, ICML "
         "2022",
     .parameters = 1,
     .parameter_names = {"length"},
     .least = {115.2},
     .greatest = {140.8},
     .step = 1.0,
     .symbol = dispersion},
    {.name = "kuramoto_sivashinsky",
     .title = "Kuramoto-Sivashinsky equation, chaos in space and time",
     .equation = "u_t = -u u_x - u_xx - u_xxxx",
     .source =
         "Kuramoto, Prog. Theor. Phys. Suppl. 64 (1978) 346; Sivashinsky, Acta Astronaut. 4 (1977) 1177; "
         "numbers of Brandstetter, Welling, Worrall, ICML 2022",
     .parameters = 1,
     .parameter_names = {"length"},
     .least = {57.6},
     .greatest = {70.4},
     .step = 1.0,
     .symbol = kuramoto_sivashinsky},
};

int32_t neurlp_known_pde_count(void) {
  return (int32_t)(sizeof equations / sizeof equations[0]);
}

const neurlp_known_pde *neurlp_known_pde_get(int32_t index) {
  return &equations[index];
}

const neurlp_known_pde *neurlp_known_pde_find(const char *name) {
  for (int32_t i = 0; i < neurlp_known_pde_count(); i++)
    if (strcmp(equations[i].name, name) == 0) return &equations[i];
  return NULL;
}

void neurlp_pde_draw_waves(const double *uniform, int32_t points, double *state) {
  for (int32_t j = 0; j < points; j++) state[j] = 0.0;
  for (int32_t w = 0; w < NEURLP_PDE_WAVES; w++) {
    const double amplitude = uniform[3 * w] - 0.5, phase = TWO_PI * uniform[3 * w + 2];
    const double number = 1.0 + floor(3.0 * uniform[3 * w + 1]);
    for (int32_t j = 0; j < points; j++)
      state[j] += amplitude * sin(TWO_PI * number * (double)j / points + phase);
  }
}
