// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench.traffic;

import io.sluice.config.cli.CommandException;
import io.sluice.kernel.dataplane.PinnedDataplane;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.FrontendKey;
import io.sluice.kernel.layout.Ip;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

/** Sluice, with an agent that reads manifests. */
final class SluicePeer implements Peer {
  static final String NAME = "sluice";

  private static final int TCP = 6;
  private static final long PATIENCE_SECONDS = 180;
  private static final long STEP_MILLIS = 100;

  private final Site site;
  private PinnedDataplane maps;

  SluicePeer(Site site) {
    this.site = site;
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public Site site() {
    return site;
  }

  @Override
  public void apply(Services services) throws Unavailable {
    try {
      Path folder = Files.createTempDirectory("sluice-bench-");
      Path file = folder.resolve("services.yaml");
      Files.writeString(file, SluiceManifest.of(services, site.nodeName()));
      site.lab().apply(file);
      Files.delete(file);
      Files.delete(folder);
    } catch (IOException e) {
      throw new CommandException("no place for manifests: " + e.getMessage());
    }
    if (maps == null) {
      site.lab().start();
      maps =
          PinnedDataplane.open(
              site.lab().names().bpffs(site.lab().topology().orElseThrow().nodes().get(0)));
    }
    awaitMaps(services);
    site.lab().awaitReady();
    if (site.programsAttached() == 0) {
      throw new Unavailable("no program of Sluice is attached");
    }
  }

  /** Returns when the kernel has all services, and no other. */
  private void awaitMaps(Services services) {
    Set<FrontendKey> wanted = new HashSet<>();
    IntStream.range(0, services.count())
        .forEach(
            i -> wanted.add(new FrontendKey(Ip.parse(services.address(i)), Services.PORT, TCP)));
    long began = System.nanoTime();
    while (!has(wanted)) {
      if (System.nanoTime() - began > TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS)) {
        throw new CommandException("the agent does not apply its services");
      }
      try {
        TimeUnit.MILLISECONDS.sleep(STEP_MILLIS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new CommandException("interrupted");
      }
    }
  }

  private boolean has(Set<FrontendKey> wanted) {
    Set<FrontendKey> there = new HashSet<>();
    maps.frontends(Family.IPV4).forEach((key, value) -> there.add(key));
    return there.containsAll(wanted);
  }

  @Override
  public void close() {
    if (maps != null) {
      maps.close();
    }
    Peer.super.close();
  }
}
