// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.model;

import io.sluice.config.text.Text;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** The names by which people call kinds: in any case, in the plural, short, with their group. */
public final class KindNames {
  private static final Map<String, List<Kind>> NAMES = new HashMap<>();

  static {
    for (Kind kind : Kind.values()) {
      String name = kind.wireName().toLowerCase(Locale.ROOT);
      add(kind, name, plural(name));
    }
    add(Kind.SERVICE, "svc");
    add(Kind.ENDPOINT_SLICE, "eps");
    add(Kind.NODE, "no");
    add(Kind.NAMESPACE, "ns");
    add(Kind.POD, "po");
    add(Kind.WORKLOAD_ENDPOINT, "wep", "weps");
    add(Kind.IP_POOL, "pool", "pools");
    add(Kind.FELIX_CONFIGURATION, "felixconfig", "felixconfigs");
    add(Kind.SERVICE_ACCOUNT, "sa");
    add(Kind.NETWORK_POLICY, "netpol", "netpols");
    add(Kind.CALICO_NETWORK_POLICY, "cnp", "caliconetworkpolicy", "caliconetworkpolicies");
    add(Kind.GLOBAL_NETWORK_POLICY, "gnp", "gnps");
    add(Kind.NETWORK_SET, "netset", "netsets");
    add(Kind.GLOBAL_NETWORK_SET, "globalnetset", "globalnetsets", "gns");
    add(Kind.HOST_ENDPOINT, "hep", "heps");
  }

  private static void add(Kind kind, String... names) {
    for (String name : names) {
      NAMES.computeIfAbsent(name, n -> new ArrayList<>()).add(kind);
    }
  }

  private static String plural(String name) {
    return name.endsWith("y") ? name.substring(0, name.length() - 1) + "ies" : name + "s";
  }

  private KindNames() {}

  /**
   * The kind that is called so, {@code services}, {@code svc} or {@code ippools.crd.…} alike. Of
   * two kinds of one name the group decides; without one, it is Kubernetes'.
   */
  public static Optional<Kind> find(String name) {
    String lower = name.toLowerCase(Locale.ROOT);
    int dot = lower.indexOf('.');
    List<Kind> kinds = NAMES.getOrDefault(dot < 0 ? lower : lower.substring(0, dot), List.of());
    String group = dot < 0 ? "" : lower.substring(dot + 1);
    return kinds.stream()
        .filter(kind -> kind.groups().contains(group))
        .findFirst()
        .or(() -> kinds.stream().findFirst());
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
