#include "system/catalogue.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#define TWO_PI 6.28318530717958647692528676655900577

/* Two bodies around their common centre, at rest in the origin: an ellipse with semi-major axis 0.8 to 1.2,
 * eccentricity 0 to 0.5, in any direction, in either sense, from any eccentric anomaly. They are never closer
 * than 0.4, nor further apart than 1.8. */
static void draw_orbit(const double *parameters, const double *uniform, double *initial) {
  const double total = parameters[1] + parameters[2];
  const double axis = 0.8 + 0.4 * uniform[0], eccentricity = 0.5 * uniform[1];
  const double direction = TWO_PI * uniform[2], anomaly = TWO_PI * uniform[3];
  const double sense = uniform[4] < 0.5 ? 1.0 : -1.0;
  const double minor = sense * axis * sqrt(1.0 - eccentricity * eccentricity);
  const double rate =
      sqrt(parameters[0] * total / (axis * axis * axis)) / (1.0 - eccentricity * cos(anomaly));
  const double along[2] = {axis * (cos(anomaly) - eccentricity), -axis * sin(anomaly) * rate};
  const double across[2] = {minor * sin(anomaly), minor * cos(anomaly) * rate};
  for (int32_t i = 0; i < 2; i++) { /* position, velocity of the second body as seen from the first */
    const double x = along[i] * cos(direction) - across[i] * sin(direction);
    const double y = along[i] * sin(direction) + across[i] * cos(direction);
    initial[i] = -parameters[2] / total * x;
    initial[2 + i] = -parameters[2] / total * y;
    initial[4 + i] = parameters[1] / total * x;
    initial[6 + i] = parameters[1] / total * y;
  }
}

/* In alphabetical order. Frequencies are angular; time is in the unit that makes the usual parameters what
 * they are. */
static const neurlp_known_system catalogue[] = {
    {.name = "brusselator",
     .title = "Brusselator, autocatalytic reaction",
     .source = "Prigogine and Lefever, J. Chem. Phys. 48 (1968) 1695",
     .order = 1,
     .states = 2,
     .parameters = 2,
     .state_names = {"x", "y"},
     .equations = {"a - (b + 1)*x + x^2*y", "b*x - x^2*y"},
     .parameter_names = {"a", "b"},
     .parameter_values = {1.0, 3.0},
     .initial = {1.0, 1.0},
     .step = 0.05},
    {.name = "damped_oscillator",
     .title = "linear oscillator with viscous damping",
     .source = "textbook; zeta is the damping ratio",
     .order = 2,
     .states = 1,
     .parameters = 2,
     .state_names = {"x"},
     .equations = {"-omega^2*x - 2*zeta*omega*x'"},
     .parameter_names = {"omega", "zeta"},
     .parameter_values = {1.0, 0.05},
     .initial = {1.0, 0.0},
     .step = 0.05},
    {.name = "damped_sine",
     .title = "damped sine, y = A exp(-g t) sin(w t + phi)",
     .source =
         "textbook; A and phi are in the initial values, y = A sin(phi), y' = A (w cos(phi) - g sin(phi))",
     .order = 2,
     .states = 1,
     .parameters = 2,
     .state_names = {"y"},
     .equations = {"-(g^2 + w^2)*y - 2*g*y'"},
     .parameter_names = {"g", "w"},
     .parameter_values = {0.05, 1.0},
     .initial = {0.0, 1.0},
     .step = 0.1},
    {.name = "duffing",
     .title = "Duffing oscillator, two wells, periodic force",
     .source = "Duffing 1918; chaotic parameters after Moon and Holmes, J. Sound Vib. 65 (1979) 275",
     .order = 2,
     .states = 1,
     .parameters = 5,
     .state_names = {"x"},
     .equations = {"-delta*x' - alpha*x - beta*x^3 + gamma*cos(omega*t)"},
     .parameter_names = {"alpha", "beta", "delta", "gamma", "omega"},
     .parameter_values = {-1.0, 1.0, 0.3, 0.5, 1.2},
     .initial = {1.0, 0.0},
     .step = 0.05},
    {.name = "fitzhugh_nagumo",
     .title = "FitzHugh-Nagumo, excitable membrane under a current",
     .source = "FitzHugh, Biophys. J. 1 (1961) 445; Nagumo et al., Proc. IRE 50 (1962) 2061",
     .order = 1,
     .states = 2,
     .parameters = 4,
     .state_names = {"v", "w"},
     .equations = {"v - v^3/3 - w + current", "epsilon*(v + a - b*w)"},
     .parameter_names = {"a", "b", "current", "epsilon"},
     .parameter_values = {0.7, 0.8, 0.5, 0.08},
     .initial = {-1.0, 1.0},
     .step = 0.2},
    {.name = "harmonic_oscillator",
     .title = "linear oscillator",
     .source = "textbook",
     .order = 2,
     .states = 1,
     .parameters = 1,
     .state_names = {"x"},
     .equations = {"-omega^2*x"},
     .parameter_names = {"omega"},
     .parameter_values = {1.0},
     .initial = {1.0, 0.0},
     .step = 0.05},
    {.name = "kepler",
     .title = "two bodies, relative motion in the plane",
     .source = "Newton 1687; orbit of semi-major axis 1 and eccentricity 1/2, from the pericentre",
     .order = 2,
     .states = 2,
     .parameters = 1,
     .state_names = {"x", "y"},
     .equations = {"-mu*x/(x^2 + y^2)^1.5", "-mu*y/(x^2 + y^2)^1.5"},
     .parameter_names = {"mu"},
     .parameter_values = {1.0},
     .initial = {0.5, 0.0, 0.0, 1.7320508075688772},
     .step = 0.02},
    {.name = "logistic",
     .title = "logistic growth",
     .source = "Verhulst, Corresp. math. phys. 10 (1838) 113",
     .order = 1,
     .states = 1,
     .parameters = 2,
     .state_names = {"x"},
     .equations = {"r*x*(1 - x/K)"},
     .parameter_names = {"r", "K"},
     .parameter_values = {1.0, 1.0},
     .initial = {0.1},
     .step = 0.1},
    {.name = "lorenz",
     .title = "Lorenz system, convection",
     .source = "Lorenz, J. Atmos. Sci. 20 (1963) 130; initial values of Brunton, Proctor, Kutz, PNAS 113 "
               "(2016) 3932",
     .order = 1,
     .states = 3,
     .parameters = 3,
     .state_names = {"x", "y", "z"},
     .equations = {"sigma*(y - x)", "x*(rho - z) - y", "x*y - beta*z"},
     .parameter_names = {"sigma", "rho", "beta"},
     .parameter_values = {10.0, 28.0, 8.0 / 3.0},
     .initial = {-8.0, 7.0, 27.0},
     .step = 0.01},
    {.name = "lotka_volterra",
     .title = "Lotka-Volterra, prey x and predator y",
     .source = "Lotka, PNAS 6 (1920) 410; Volterra, Nature 118 (1926) 558",
     .order = 1,
     .states = 2,
     .parameters = 4,
     .state_names = {"x", "y"},
     .equations = {"a*x - b*x*y", "-c*y + d*x*y"},
     .parameter_names = {"a", "b", "c", "d"},
     .parameter_values = {1.5, 1.0, 3.0, 1.0},
     .initial = {1.0, 1.0},
     .step = 0.05},
    {.name = "pendulum",
     .title = "mathematical pendulum",
     .source = "textbook; omega is the frequency of small swings, sqrt(g/l)",
     .order = 2,
     .states = 1,
     .parameters = 1,
     .state_names = {"theta"},
     .equations = {"-omega^2*sin(theta)"},
     .parameter_names = {"omega"},
     .parameter_values = {1.0},
     .initial = {2.0, 0.0},
     .step = 0.05},
    {.name = "roessler",
     .title = "Roessler system, the simplest band of chaos",
     .source = "Roessler, Phys. Lett. A 57 (1976) 397",
     .order = 1,
     .states = 3,
     .parameters = 3,
     .state_names = {"x", "y", "z"},
     .equations = {"-y - z", "x + a*y", "b + z*(x - c)"},
     .parameter_names = {"a", "b", "c"},
     .parameter_values = {0.2, 0.2, 5.7},
     .initial = {1.0, 1.0, 0.0},
     .step = 0.05},
    {.name = "sir",
     .title = "epidemic: fractions susceptible, infectious, recovered",
     .source = "Kermack and McKendrick, Proc. R. Soc. A 115 (1927) 700",
     .order = 1,
     .states = 3,
     .parameters = 2,
     .state_names = {"s", "i", "r"},
     .equations = {"-beta*s*i", "beta*s*i - gamma*i", "gamma*i"},
     .parameter_names = {"beta", "gamma"},
     .parameter_values = {0.4, 0.1},
     .initial = {0.99, 0.01, 0.0},
     .step = 0.5},
    {.name = "two_body",
     .title = "two bodies that attract each other, in the plane",
     .source = "Newton 1687; trajectories differ: semi-major axis 0.8 to 1.2, eccentricity up to 1/2",
     .order = 2,
     .states = 4,
     .parameters = 3,
     .state_names = {"x1", "y1", "x2", "y2"},
     .equations = {"G*m2*(x2 - x1)/((x2 - x1)^2 + (y2 - y1)^2)^1.5",
                   "G*m2*(y2 - y1)/((x2 - x1)^2 + (y2 - y1)^2)^1.5",
                   "G*m1*(x1 - x2)/((x2 - x1)^2 + (y2 - y1)^2)^1.5",
                   "G*m1*(y1 - y2)/((x2 - x1)^2 + (y2 - y1)^2)^1.5"},
     .parameter_names = {"G", "m1", "m2"},
     .parameter_values = {1.0, 0.75, 0.25},
     .initial = {-0.125, 0.0, 0.0, -0.4330127018922193, 0.375, 0.0, 0.0, 1.299038105676658},
     .draw = draw_orbit,
     .draws = 5,
     .step = 0.02},
    {.name = "van_der_pol",
     .title = "Van der Pol oscillator, relaxation oscillations",
     .source = "van der Pol, Phil. Mag. 2 (1926) 978",
     .order = 2,
     .states = 1,
     .parameters = 1,
     .state_names = {"x"},
     .equations = {"mu*(1 - x^2)*x' - x"},
     .parameter_names = {"mu"},
     .parameter_values = {1.0},
     .initial = {2.0, 0.0},
     .step = 0.05},
};

enum { OTHERS = sizeof catalogue / sizeof catalogue[0] };

int32_t neurlp_catalogue_count(void) {
  return OTHERS + NEURLP_ODEBENCH_SYSTEMS;
}

const neurlp_known_system *neurlp_catalogue_get(int32_t index) {
  return index < OTHERS ? &catalogue[index] : &neurlp_odebench[index - OTHERS];
}

const neurlp_known_system *neurlp_catalogue_find(const char *name) {
  for (int32_t i = 0; i < neurlp_catalogue_count(); i++)
    if (strcmp(neurlp_catalogue_get(i)->name, name) == 0) return neurlp_catalogue_get(i);
  return NULL;
}
