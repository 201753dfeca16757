// SPDX-License-Identifier: Apache-2.0
/** What workloads may send from, and how much they may send and get: docs/design/qos.md. */
package io.sluice.actors.limits;
