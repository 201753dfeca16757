// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.parse;

import io.sluice.config.model.QosControls;
import io.sluice.config.model.QosControls.Limits;
import io.sluice.config.model.Spelling;
import io.sluice.config.text.Text;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads limits and marks: of a Pod from its annotations, of a WorkloadEndpoint from its
 * specification. Names, units and bounds are Calico's; numbers are Kubernetes quantities.
 */
final class QosBinder {
  private static final String PREFIX = "qos.projectcalico.org/";

  /** Kubernetes' own, which Calico's go before. */
  private static final Map<String, String> OF_KUBERNETES =
      Map.of(
          "kubernetes.io/ingress-bandwidth", "ingressBandwidth",
          "kubernetes.io/egress-bandwidth", "egressBandwidth");

  private static final Pattern QUANTITY =
      Pattern.compile(
          "\\+?([0-9]+\\.?[0-9]*|\\.[0-9]+)([numkMGTPE]|[KMGTPE]i|[eE][-+]?[0-9]{1,3})?");
  private static final String DECIMAL = "kMGTPE";
  private static final String BINARY = "KMGTPE";

  private static final long KILO = 1_000;
  private static final long PETA = 1_000_000_000_000_000L;
  private static final long MOST_CONNECTIONS = 0xffff_ffffL;
  private static final int MOST_PACKETS = 10_000;
  private static final int MOST_DSCP = 63;
  private static final String DSCP = "dscp";

  private final Map<String, String> values;
  private final Sink sink;

  /** Where problems go. */
  private interface Sink {
    void error(String name, String reason);

    void ignored(String name, String reason);
  }

  private QosBinder(Map<String, String> values, Sink sink) {
    this.values = values;
    this.sink = sink;
  }

  static QosControls ofPod(MetaBinder.Bound meta) {
    Map<String, String> values = new LinkedHashMap<>();
    Map<String, String> annotations = meta.meta().annotations();
    OF_KUBERNETES.forEach(
        (annotation, name) -> {
          if (annotations.containsKey(annotation)) {
            values.put(name, annotations.get(annotation));
          }
        });
    annotations.forEach(
        (name, value) -> {
          if (name.startsWith(PREFIX)) {
            values.put(name.substring(PREFIX.length()), value);
          }
        });
    Fields fields = meta.fields();
    return new QosBinder(
            values,
            new Sink() {
              @Override
              public void error(String name, String reason) {
                fields.error("annotations", PREFIX + name + ": " + reason);
              }

              @Override
              public void ignored(String name, String reason) {
                fields.ignored("annotations", PREFIX + name + " " + reason);
              }
            })
        .read();
  }

  /**
   * @param controls name to value
   */
  static QosControls ofEndpoint(Fields spec, Map<String, String> controls) {
    return new QosBinder(
            controls,
            new Sink() {
              @Override
              public void error(String name, String reason) {
                spec.error("qosControls", name + ": " + reason);
              }

              @Override
              public void ignored(String name, String reason) {
                spec.ignored("qosControls", name + " " + reason);
              }
            })
        .read();
  }

  private QosControls read() {
    QosControls controls = new QosControls(limits("ingress"), limits("egress"), dscp());
    List<String> known = new ArrayList<>(List.of(DSCP));
    for (String direction : List.of("ingress", "egress")) {
      for (String what :
          List.of("Bandwidth", "Burst", "PacketRate", "PacketBurst", "MaxConnections")) {
        known.add(direction + what);
      }
      for (String what : List.of("Peakrate", "Minburst")) {
        if (values.containsKey(direction + what)) {
          sink.ignored(direction + what, "has no effect in this version");
        }
        known.add(direction + what);
      }
    }
    for (String name : values.keySet()) {
      if (!known.contains(name)) {
        sink.ignored(
            name,
            Spelling.nearest(name, known)
                .map(near -> "is not a limit, did you mean " + near + "? It has no effect")
                .orElse("is not a limit and has no effect"));
      }
    }
    return controls;
  }

  private Limits limits(String direction) {
    String bandwidth = direction + "Bandwidth";
    String burst = direction + "Burst";
    String packetRate = direction + "PacketRate";
    String packetBurst = direction + "PacketBurst";
    need(burst, bandwidth);
    need(packetBurst, packetRate);
    long bits = number(bandwidth, KILO, PETA, 0);
    long packets = number(packetRate, 1, MOST_PACKETS, 0);
    return new Limits(
        bits,
        bits == 0 ? 0 : number(burst, KILO, QosControls.DEFAULT_BURST, QosControls.DEFAULT_BURST),
        (int) packets,
        packets == 0
            ? 0
            : (int) number(packetBurst, 1, MOST_PACKETS, QosControls.DEFAULT_PACKET_BURST),
        number(direction + "MaxConnections", 1, MOST_CONNECTIONS, 0));
  }

  private void need(String name, String other) {
    if (values.containsKey(name) && !values.containsKey(other)) {
      sink.error(name, "needs " + other);
    }
  }

  private long number(String name, long least, long most, long defaultValue) {
    String text = values.get(name);
    if (text == null) {
      return defaultValue;
    }
    BigDecimal value = quantity(text);
    if (value == null) {
      sink.error(name, Text.quote(text) + " is not a quantity such as 500, 10M or 1Gi");
      return defaultValue;
    }
    if (value.compareTo(BigDecimal.valueOf(least)) < 0
        || value.compareTo(BigDecimal.valueOf(most)) > 0) {
      sink.error(name, text + " is not in " + least + ".." + most);
      return defaultValue;
    }
    return value.longValueExact();
  }

  /** A Kubernetes quantity, rounded up to a whole number; null: it is none. */
  private static BigDecimal quantity(String text) {
    Matcher matcher = QUANTITY.matcher(text);
    if (!matcher.matches()) {
      return null;
    }
    BigDecimal number = new BigDecimal(matcher.group(1));
    String suffix = matcher.group(2) == null ? "" : matcher.group(2);
    return number.multiply(scale(suffix)).setScale(0, RoundingMode.CEILING);
  }

  private static BigDecimal scale(String suffix) {
    if (suffix.isEmpty()) {
      return BigDecimal.ONE;
    }
    char first = suffix.charAt(0);
    if (suffix.endsWith("i")) {
      return BigDecimal.valueOf(1024).pow(BINARY.indexOf(first) + 1);
    }
    if (suffix.length() > 1) {
      return BigDecimal.ONE.scaleByPowerOfTen(Integer.parseInt(suffix.substring(1)));
    }
    int down = "mun".indexOf(first);
    return BigDecimal.ONE.scaleByPowerOfTen(
        down >= 0 ? -3 * (down + 1) : 3 * (DECIMAL.indexOf(first) + 1));
  }

  /** A number, or a name of RFC 2474, 2597, 3246 and 5865. */
  private OptionalInt dscp() {
    String text = values.get(DSCP);
    if (text == null) {
      return OptionalInt.empty();
    }
    OptionalInt named = named(text.toUpperCase(Locale.ROOT));
    if (named.isPresent()) {
      return named;
    }
    if (text.matches("[0-9]{1,2}") && Integer.parseInt(text) <= MOST_DSCP) {
      return OptionalInt.of(Integer.parseInt(text));
    }
    sink.error(
        DSCP,
        Text.quote(text) + " is neither in 0..63 nor one of DF, EF, VA, CS0..CS7, AF11..AF43");
    return OptionalInt.empty();
  }

  private static OptionalInt named(String name) {
    switch (name) {
      case "DF":
        return OptionalInt.of(0);
      case "EF":
        return OptionalInt.of(46);
      case "VA":
        return OptionalInt.of(44);
      default:
        break;
    }
    if (name.matches("CS[0-7]")) {
      return OptionalInt.of(8 * (name.charAt(2) - '0'));
    }
    if (name.matches("AF[1-4][1-3]")) {
      return OptionalInt.of(8 * (name.charAt(2) - '0') + 2 * (name.charAt(3) - '0'));
    }
    return OptionalInt.empty();
  }
}
