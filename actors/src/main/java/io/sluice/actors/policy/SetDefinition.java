// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.policy;

import io.sluice.config.model.ResourceKey;
import io.sluice.config.selector.Selector;
import io.sluice.kernel.policy.Net;
import java.util.List;
import java.util.stream.Collectors;

/** What a set is a set of; equal definitions are one set, whoever uses it. */
sealed interface SetDefinition {
  /** For people, and what the set's ID is made from: equal for equal definitions alone. */
  String text();

  /** The addresses of whatever a selector matches. */
  record OfSelector(Selector selector) implements SetDefinition {
    @Override
    public String text() {
      return "selector " + selector.text();
    }
  }

  /** The ports of that name of whatever a selector matches. */
  record OfNamedPort(String name, Selector selector) implements SetDefinition {
    @Override
    public String text() {
      return "port " + name + " of selector " + selector.text();
    }
  }

  /**
   * The backends of a service.
   *
   * @param withPorts whether only the service's ports of them
   */
  record OfService(ResourceKey service, boolean withPorts) implements SetDefinition {
    @Override
    public String text() {
      return (withPorts ? "ports" : "addresses") + " of " + service;
    }
  }

  /**
   * Networks that a rule names itself.
   *
   * @param nets sorted, each once
   */
  record OfNets(List<Net> nets) implements SetDefinition {
    public OfNets {
      nets = List.copyOf(nets);
    }

    @Override
    public String text() {
      return nets.stream().map(Net::toString).collect(Collectors.joining(" ", "nets ", ""));
    }
  }
}
