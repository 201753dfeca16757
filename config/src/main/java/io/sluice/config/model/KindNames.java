// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.model;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** The names by which people call kinds: in any case, in the plural, short, with their group. */
public final class KindNames {
  private static final Map<String, Kind> NAMES = new HashMap<>();

  static {
    for (Kind kind : Kind.values()) {
      String name = kind.wireName().toLowerCase(Locale.ROOT);
      NAMES.put(name, kind);
      NAMES.put(name + "s", kind);
    }
    NAMES.put("svc", Kind.SERVICE);
    NAMES.put("eps", Kind.ENDPOINT_SLICE);
    NAMES.put("no", Kind.NODE);
    NAMES.put("ns", Kind.NAMESPACE);
    NAMES.put("po", Kind.POD);
    NAMES.put("wep", Kind.WORKLOAD_ENDPOINT);
    NAMES.put("weps", Kind.WORKLOAD_ENDPOINT);
    NAMES.put("pool", Kind.IP_POOL);
    NAMES.put("pools", Kind.IP_POOL);
    NAMES.put("felixconfig", Kind.FELIX_CONFIGURATION);
    NAMES.put("felixconfigs", Kind.FELIX_CONFIGURATION);
  }

  private KindNames() {}

  /** The kind that is called so, {@code services}, {@code svc} or {@code ippools.crd.…} alike. */
  public static Optional<Kind> find(String name) {
    String lower = name.toLowerCase(Locale.ROOT);
    int dot = lower.indexOf('.');
    return Optional.ofNullable(NAMES.get(dot < 0 ? lower : lower.substring(0, dot)));
  }

  /** What is wrong with a name that is no kind's; one line. */
  public static String unknown(String name) {
    return Text.quote(name)
        + " is not a kind"
        + Spelling.nearest(name.toLowerCase(Locale.ROOT), NAMES.keySet())
            .map(near -> ", did you mean " + near + "?")
            .orElse("");
  }
}
