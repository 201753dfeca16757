// SPDX-License-Identifier: Apache-2.0
/** From Kubernetes services to the service maps. See docs/design/service-syncing.md. */
package io.sluice.actors.services;
