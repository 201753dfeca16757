// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.dump;

import io.sluice.actors.services.Endpoint;
import io.sluice.actors.services.Luts;
import io.sluice.actors.services.ServiceName;
import io.sluice.agent.dump.Rows.Maglev;
import io.sluice.agent.dump.Rows.MaglevNode;
import io.sluice.cluster.maglev.Lut;
import io.sluice.cluster.shared.Follower;
import io.sluice.cluster.shared.Messages;
import io.sluice.kernel.dataplane.Dataplane;
import io.sluice.kernel.dataplane.MaglevTable;
import io.sluice.kernel.layout.Backend;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Service;
import io.sluice.kernel.layout.ServiceFlags;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** Maglev tables as the kernel has them, and who else has them. */
final class MaglevDump {
  private final Dataplane dataplane;
  private final Names names;

  /** Frontends by service ID, and their protocol. */
  private final Map<Integer, List<String>> frontends = new HashMap<>();

  private final Map<Integer, String> protocols = new HashMap<>();

  MaglevDump(Dataplane dataplane, Names names) {
    this.dataplane = dataplane;
    this.names = names;
  }

  /** A row for each backend of each table; one for a table without backends. */
  List<Maglev> rows() {
    for (Family family : Family.values()) {
      dataplane
          .frontends(family)
          .forEach(
              (key, frontend) -> {
                frontends
                    .computeIfAbsent(frontend.service(), none -> new ArrayList<>())
                    .add(FlowRow.endpoint(key.addr(), key.port()));
                protocols.put(frontend.service(), FlowRow.protocol(key.proto()));
              });
    }
    List<Maglev> rows = new ArrayList<>();
    dataplane.maglev().forEach((service, table) -> rows.addAll(rowsOf(service, table)));
    rows.sort(Comparator.comparing(Maglev::service).thenComparing(Maglev::serviceId));
    return rows;
  }

  private List<Maglev> rowsOf(int id, MaglevTable table) {
    Family family =
        dataplane
            .services()
            .get(id)
            .map(Service::flags)
            .filter(flags -> (flags & ServiceFlags.SERVICE_IPV6) != 0)
            .map(flags -> Family.IPV6)
            .orElse(Family.IPV4);
    int[] spread = new int[table.count()];
    int[] former = new int[table.count()];
    for (int slot = 0; slot < table.size(); slot++) {
      spread[table.position(slot)]++;
      if (table.former(slot) != MaglevTable.UNMOVED) {
        former[table.former(slot)]++;
      }
    }
    List<Endpoint> span = new ArrayList<>();
    List<Backend> elements = new ArrayList<>();
    for (int i = 0; i < table.count(); i++) {
      Optional<Backend> element = dataplane.backends(family).get(table.base() + i);
      element.ifPresent(backend -> span.add(new Endpoint(backend.addr(), backend.port())));
      elements.add(element.orElse(null));
    }
    String digest = Luts.read(family, table, span).map(Lut::digest).orElse("not whole");
    List<Maglev> rows = new ArrayList<>();
    for (int i = 0; i < elements.size(); i++) {
      Backend element = elements.get(i);
      boolean ofNow = i < table.members();
      String state = ofNow ? isLive(element) ? "live" : "removed" : "former";
      rows.add(row(id, family, table, element, new Share(spread[i], former[i], state), digest));
    }
    if (rows.isEmpty()) {
      rows.add(row(id, family, table, null, new Share(0, 0, "refuses"), digest));
    }
    return rows;
  }

  /** What a backend has of a table. */
  private record Share(int slots, int formerSlots, String state) {}

  private Maglev row(
      int id, Family family, MaglevTable table, Backend backend, Share has, String digest) {
    double share = table.size() == 0 ? 0 : 100.0 * has.slots() / table.size();
    double even = has.slots() == 0 ? 0 : 100.0 / table.members();
    return new Maglev(
        names.service(id),
        id,
        protocols.getOrDefault(id, ""),
        family.number(),
        frontends.getOrDefault(id, List.of()).stream().sorted().toList(),
        table.generation(),
        table.size(),
        backend == null ? "" : FlowRow.endpoint(backend.addr(), backend.port()),
        has.slots(),
        has.formerSlots(),
        rounded(share),
        rounded(even == 0 ? 0 : 100 * (share - even) / even),
        has.state(),
        digest);
  }

  private static double rounded(double value) {
    return Math.round(value * 1000) / 1000.0;
  }

  private boolean isLive(Backend backend) {
    return backend != null
        && dataplane
            .backendGen()
            .get(backend.id())
            .filter(gen -> gen.gen() == backend.gen())
            .isPresent();
  }

  /** Which node runs which generation; a row without node for a table of which nobody answers. */
  static List<MaglevNode> nodes(Follower.Views views) {
    List<MaglevNode> rows = new ArrayList<>();
    for (Messages.View view : views.views()) {
      for (Messages.NodeRuns runs : view.nodes()) {
        rows.add(
            row(
                view.id(),
                runs.node(),
                runs.generation(),
                runs.digest(),
                view.generation(),
                state(view, runs)));
      }
    }
    for (String id : views.silent()) {
      rows.add(row(id, "", 0, "", 0, MaglevNode.NO_ANSWER));
    }
    rows.sort(Comparator.comparing(MaglevNode::service).thenComparing(MaglevNode::node));
    return rows;
  }

  private static MaglevNode row(
      String id, String node, long generation, String digest, long agreed, String state) {
    ServiceName name = ServiceName.parse(id);
    return new MaglevNode(
        name.namespace() + "/" + name.name() + ":" + name.port(),
        name.protocol().toLowerCase(Locale.ROOT),
        name.family().number(),
        node,
        generation,
        agreed,
        digest,
        state);
  }

  private static String state(Messages.View view, Messages.NodeRuns runs) {
    if (runs.generation() == view.generation() && runs.digest().equals(view.digest())) {
      return MaglevNode.CURRENT;
    }
    return runs.generation() < view.generation() ? "behind" : "differs";
  }
}
